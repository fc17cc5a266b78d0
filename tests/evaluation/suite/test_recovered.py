"""Recovery from the lines of the hand-made table: the small model fails the proofs, the large one nothing."""

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.evaluation.suite.evaluate import evaluate_suite
from rl_router.evaluation.suite.recovered import recoveries_of
from rl_router.evaluation.suite.results import board_of


def recovered(suite):
    return recoveries_of(board_of(evaluate_suite(suite).read_played()))


def test_the_oracle_recovers_the_lead_with_half_of_the_calls(suite_of):
    blocks = recovered(suite_of())
    rows = {row.router: row for row in blocks["hand: small or large"]}
    assert list(rows) == ["knn", "prompt length", "oracle"]
    # the lead rises to 1 over the first half of the calls and stays there: 0.25 + 0.5
    assert rows["oracle"].apgr == pytest.approx(0.75)
    assert rows["oracle"].cpt_50 == pytest.approx(0.25)
    # "test proof word0" is longer than "test sum word0", so length orders this table as the oracle does
    assert rows["prompt length"].apgr == pytest.approx(0.75)


def test_each_data_set_has_its_block(suite_of, table_path):
    frame = pl.read_parquet(table_path).with_columns(dataset=pl.col("task") + "s")
    RoutingTable(frame).write(table_path)
    assert list(recovered(suite_of())) == ["proofs: small or large"]  # on sums there is no lead


def test_with_three_models_there_is_no_pair(suite_of, table_path):
    frame = pl.read_parquet(table_path)
    third = frame.filter(pl.col("model") == "small").with_columns(model=pl.lit("third"))
    RoutingTable(pl.concat([frame, third])).write(table_path)
    assert recovered(suite_of()) == {}
