"""Costs that were made from a price list: the model finds the list, the lengths and the mean again."""

import numpy as np
import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.pool.spec import ModelSpec
from rl_router.routers.cost_model import CostModel
from rl_router.routers.observations import Observations


def test_the_prices_behind_recorded_costs_are_found_again(train):
    """As the table was made: USD per prompt and per completion token."""
    prices = CostModel().fit(Observations.of(train)).prices_
    made = [[1e-7, 4e-7], [1e-6, 4e-6], [1e-6, 4e-6], [3e-6, 1.5e-5]]  # cheap, coder, mather, strong
    np.testing.assert_allclose(prices, made, rtol=1e-6)


def test_a_constant_call_costs_what_it_always_cost(planted):
    table = planted(lambda colour, shape: {"cheap": True, "dear": True}, n=60)
    costs = CostModel().fit(Observations.of(table)).costs_usd(table.queries()[:5])
    np.testing.assert_allclose(costs, [[0.001, 0.01]] * 5, rtol=1e-6)


def test_the_mean_prediction_is_the_mean_that_was_recorded(train):
    """A regression of logarithms alone would be too low: the mean of a logarithm is not that of the tokens."""
    observed = Observations.of(train)
    predicted = CostModel().fit(observed).costs_usd(observed.queries)
    np.testing.assert_allclose(predicted.mean(axis=0), np.nanmean(observed.costs_usd, axis=0), rtol=0.02)


def test_long_questions_are_expected_to_cost_what_their_tokens_cost(planted):
    """Answers of 20 tokens always; prompts of one token per character, at a millionth of a dollar each."""
    frame = planted(lambda colour, shape: {"cheap": True}, n=200).frame
    length = pl.col("query").str.len_chars()
    frame = frame.with_columns(prompt_tokens=length.cast(pl.Int64), cost_usd=length * 1e-6 + 20 * 2e-6)
    model = CostModel().fit(Observations.of(RoutingTable(frame)))
    queries = RoutingTable(frame).queries()[:8]
    made = [[len(query.text) * 1e-6 + 4e-5] for query in queries]
    np.testing.assert_allclose(model.costs_usd(queries), made, rtol=0.02)


def test_costs_without_tokens_are_learned_from_the_costs_themselves(train):
    frame = train.frame.with_columns(completion_tokens=pl.lit(None, pl.Int64))
    observed = Observations.of(RoutingTable(frame))
    predicted = CostModel().fit(observed).costs_usd(observed.queries)
    np.testing.assert_allclose(predicted.mean(axis=0), np.nanmean(observed.costs_usd, axis=0), rtol=0.02)


def test_a_model_without_any_cost_has_no_predicted_one(train):
    cost = pl.when(pl.col("model") == "coder").then(None).otherwise("cost_usd")
    observed = Observations.of(RoutingTable(train.frame.with_columns(cost_usd=cost)))
    predicted = CostModel().fit(observed).costs_usd(observed.queries)
    assert np.isnan(predicted[:, 1]).all() and not np.isnan(predicted[:, [0, 2, 3]]).any()


def test_prices_of_a_pool_replace_the_recorded_costs(train):
    """Twice the price of cheap: twice its costs."""
    spec = ModelSpec(name="cheap", input_usd_per_mtok=0.2, output_usd_per_mtok=0.8)
    before, after = (Observations.of(train, prices).costs_usd[:, 0] for prices in ((), (spec,)))
    np.testing.assert_allclose(after, 2 * before, rtol=1e-9)
    assert CostModel().fit(Observations.of(train, (spec,))).prices_[0] == pytest.approx([2e-7, 8e-7])
