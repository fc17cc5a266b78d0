"""Always the smallest, always the largest, or any: by prices, and by names where there are none."""

from collections import Counter
from dataclasses import replace

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.routers.fixed import Largest, Random, Smallest, parameters_in
from rl_router.types import Query

QUERIES = [Query(query_id=str(i), text=f"query {i}", answers=(), task="") for i in range(900)]


def chosen(router, **options):
    return {decision.model for decision in router.route(QUERIES[:20], **options)}


def test_the_cheapest_and_the_dearest_calls_decide(train):
    """cheap costs about $0.00003 a call, strong $0.0023."""
    assert chosen(Smallest().fit(train)) == {"cheap"}
    assert chosen(Largest().fit(train)) == {"strong"}
    assert chosen(Largest().fit(train), cost_weight=5.0) == {"strong"}
    assert chosen(Largest().fit(train), models=["coder", "cheap"]) == {"coder"}


def test_without_prices_the_sizes_in_their_names_decide(train):
    sizes = {"cheap": "Tiny-7B", "coder": "Coder-34b-v1", "mather": "Mixtral-8x7B", "strong": "Big-70B-chat"}
    frame = train.frame.with_columns(model=pl.col("model").replace(sizes), cost_usd=pl.lit(None, pl.Float64))
    table = RoutingTable(frame)
    assert chosen(Smallest().fit(table)) == {"Tiny-7B"}
    assert chosen(Largest().fit(table)) == {"Big-70B-chat"}
    unknown = RoutingTable(frame.with_columns(model=pl.col("model").replace({"Big-70B-chat": "gpt-4"})))
    with pytest.raises(DataError, match="the name 'gpt-4' tells no size"):
        Largest().fit(unknown)


@pytest.mark.parametrize(
    ("name", "billions"),
    [("Llama-3-8B", 8), ("Mixtral-8x7B", 56), ("qwen2.5-0.5b-instruct", 0.5), ("gpt-4", None), ("bert8bit", None)],
)
def test_parameters_are_read_from_names(name, billions):
    assert parameters_in(name) == billions


def test_any_model_is_as_likely_and_a_query_keeps_its_own(train):
    router = Random(seed=3).fit(train)
    found = [decision.model for decision in router.route(QUERIES)]
    shares = Counter(found)
    assert all(abs(shares[model] - 225) < 40 for model in train.models)  # 900 / 4 ± three standard errors of 13
    assert [d.model for d in router.route(QUERIES[::-1])] == found[::-1]
    assert [d.model for d in replace(router, seed=4).fit(train).route(QUERIES)] != found
