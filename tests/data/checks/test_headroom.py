"""What there is to gain, worked out by hand on three queries and equal to the figures known of real tables."""

from pathlib import Path

import polars as pl
import pytest

from rl_router.data.checks import check_file
from rl_router.data.checks.balance import balances
from rl_router.data.checks.headroom import headrooms
from rl_router.data.table import RoutingTable

DATA = Path(__file__).parents[3].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real tables of ../shared/data are not here")


def table(rows):
    """Rows of (split, task, id, scores by model); a costs 1 and b 10 dollars."""
    cells = [
        {
            "dataset": "d", "split": split, "query_id": query_id, "query": f"text of {query_id}", "task": task,
            "ground_truth": None, "model": model, "score": score, "cost_usd": {"a": 1.0, "b": 10.0, "c": 5.0}[model],
            "prompt_tokens": 1, "completion_tokens": 1, "response": None,
        }
        for split, task, query_id, scores in rows
        for model, score in scores.items()
    ]  # fmt: skip
    return RoutingTable(pl.DataFrame(cells, infer_schema_length=None))


TABLE = table(
    [
        ("train", "x", "1", {"a": 1.0, "b": 0.0}),
        ("train", "y", "2", {"a": 0.0, "b": 1.0}),
        ("train", "y", "3", {"a": 0.0, "b": 1.0}),
        ("test", "x", "4", {"a": 1.0, "b": 0.0}),
        ("test", "x", "5", {"a": 1.0, "b": 1.0}),
        ("test", "y", "6", {"a": 0.0, "b": 0.0}),
    ]
)


def test_levels_are_those_worked_out_by_hand():
    (room,) = headrooms(TABLE)
    assert (room.split, room.queries, room.fitted, room.models) == ("test", 3, ("train",), ("a", "b"))
    levels = {level.name: level for level in room.levels}
    expected = {
        "random": (1 / 2, (3 / 4 + 0) / 2, 5.5),
        "best single": (1 / 3, 1 / 4, 10.0),  # b: two of three in train, one of three in test
        "best single in hindsight": (2 / 3, 1 / 2, 1.0),
        "best per task": (2 / 3, 1 / 2, (1 + 1 + 10) / 3),
        "oracle": (2 / 3, 1 / 2, 1.0),  # nobody knows 6, so it asks the cheap one
    }
    assert {n: (lv.score, lv.score_by_task, lv.cost_usd) for n, lv in levels.items()} == {
        name: pytest.approx(values) for name, values in expected.items()
    }
    assert (levels["best single"].model, levels["best single in hindsight"].model) == ("b", "a")


def test_models_that_are_not_graded_everywhere_are_left_out():
    partial = table(
        [
            ("train", "x", "1", {"a": 1.0, "b": 0.0, "c": 1.0}),
            ("test", "x", "2", {"a": 1.0, "b": 0.0, "c": None}),
        ]
    )
    assert headrooms(partial)[0].models == ("a", "b")


def test_without_a_split_to_fit_on_choices_are_made_in_hindsight():
    (room,) = headrooms(TABLE.select(split="test"))
    assert room.fitted == ()
    assert {level.name: level.model for level in room.levels}["best single"] == "a"


def test_the_best_model_of_a_query_is_the_cheapest_with_the_best_score():
    train, test = balances(TABLE)
    assert train.best_model == pytest.approx({"b": 2 / 3, "a": 1 / 3})
    assert (test.best_model, test.alike, test.tasks) == ({"a": 1.0}, pytest.approx(2 / 3), {"x": 2, "y": 1})


@needs_data
@pytest.mark.parametrize(
    ("file", "split", "left_out", "column", "figures", "cost_micro_usd"),
    [  # the table of sanity baselines beside the data: random, best single, best per task, oracle
        ("routerdc/long", "test_id", 0, "score_by_task", (47.67, 50.28, 54.56, 58.67, 77.52), None),
        ("routerdc/long", "test_ood", 0, "score_by_task", (38.02, 40.69, 43.95, 40.69, 70.34), None),
        ("routerbench_subset/long", "test", 0, "score", (68.63, 87.96, 87.96, 87.96, 97.57), (1324, 5003, 211)),
        ("llmrouter_example/long", "test", 119, "score", (40.12, 59.66, 59.66, 61.49, 74.98), None),
        ("zeroeval/responses_pool10", "test", 0, "score", (66.86, 82.75, 82.75, 83.62, 93.03), (855, 3432, 306)),
    ],
)
def test_the_figures_of_real_tables_come_out(file, split, left_out, column, figures, cost_micro_usd):
    rooms = headrooms(RoutingTable.read(DATA / f"{file}.parquet"))
    (room,) = [room for room in rooms if room.split == split and room.leaked_left_out == left_out]
    assert [round(100 * getattr(level, column), 2) for level in room.levels] == list(figures)
    if cost_micro_usd:
        costs = {level.name: round(1e6 * level.cost_usd) for level in room.levels}
        assert (costs["random"], costs["best single"], costs["oracle"]) == cost_micro_usd


@needs_data
def test_the_real_leak_of_llmrouters_example_is_found():
    report = check_file(DATA / "llmrouter_example" / "long.parquet")
    (leak,) = [finding for finding in report.faults if finding.kind.value == "leak"]
    assert leak.count == 119 and "119 of the 500 queries of split 'test' are in 'train' word for word" in leak.text
