"""From a suite to its two sides: what is judged whole, what is capped, and what stands together."""

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.evaluation.suite.sources import replayed_arena
from rl_router.evaluation.suite.suite import Live, Splits
from rl_router.recipe_suite import load_suite


def test_a_cap_on_live_benchmarks_does_not_cut_a_replayed_table_and_one_on_all_does(suite_of, table_path):
    table = RoutingTable.read(table_path)
    assert len(replayed_arena(suite_of(live=Live(queries=1)), table).test.queries) == 6
    capped = replayed_arena(suite_of(queries=2, live=Live(queries=1)), table)
    assert len(capped.test.queries) == 2
    assert capped.remarks[0] == "2 of 6 test questions, drawn by a hash of their ids."


@pytest.mark.parametrize("name", ["llmrouter", "router_r1", "xrouter"])
def test_no_suite_in_the_tree_cuts_a_table_that_replaces_its_benchmarks(name):
    suite = load_suite(name, ["table=t.parquet"])
    assert suite.queries is None and suite.live.queries is not None


@pytest.mark.parametrize("written", ["mt_bench/{}/turn{}", "mt_bench_turn{1}/test/{0}"])
def test_the_turns_of_a_conversation_stand_on_one_side(suite_of, table_path, written):
    frame = pl.read_parquet(table_path).filter(pl.col("split") == "test")
    rows = [
        frame.filter(pl.col("query_id") == "test/sum/0").with_columns(
            query_id=pl.lit(written.format(i, turn)), query=pl.lit(f"question {i}, turn {turn}")
        )
        for i in range(40) for turn in (1, 2)
    ]  # fmt: skip
    arena = replayed_arena(suite_of(splits=Splits(holdout=0.5)), RoutingTable(pl.concat(rows)))
    sides = [{query.text.partition(",")[0] for query in side.queries} for side in (arena.test, arena.fit)]
    assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == 40
    assert 10 < len(sides[0]) < 30
