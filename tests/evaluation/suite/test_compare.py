"""Two evaluations: what moved and by how much, by hand, and "no difference" where chance explains it."""

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.evaluation.report.compare_view import sentences
from rl_router.evaluation.suite.compare import compare_folders
from rl_router.evaluation.suite.evaluate import evaluate_suite


@pytest.fixture
def two_of(suite_of, tmp_path):
    """Evaluations of 40 queries; in the second, the small model's first `lost` sums of the test split are wrong."""

    def make(lost, queries=20):
        rows = [
            {
                "dataset": "hand", "split": split, "query_id": f"{split}/{task}/{i}", "query": f"{split} {task} w{i}",
                "task": task, "ground_truth": "yes", "model": model, "score": 1.0, "cost_usd": cost, "prompt_tokens": 1,
                "completion_tokens": 1, "response": "yes",
            }
            for split in ("train", "test") for task in ("sum", "proof") for i in range(queries)
            for model, cost in (("small", 0.001), ("large", 0.010))
        ]  # fmt: skip
        paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
        gone = [f"test/sum/{i}" for i in range(lost)]
        wrong = (pl.col("model") == "small") & pl.col("query_id").is_in(gone)
        RoutingTable(pl.DataFrame(rows)).write(paths[0])
        RoutingTable(pl.DataFrame(rows).with_columns(score=pl.when(wrong).then(0.0).otherwise("score"))).write(paths[1])
        return [evaluate_suite(suite_of(table=p, run_dir=tmp_path / p.stem, cost_weights=(0.0, 1.0))) for p in paths]

    return make


def change(changes, router, task, weight=0.0):
    return next(c for c in changes.changes if (c.router, c.task, c.cost_weight) == (router, task, weight))


def test_the_same_evaluation_twice_shows_no_difference(two_of):
    changes = compare_folders(*two_of(0))
    assert changes.moved == () and {c.verdict for c in changes.changes} == {"no difference"}
    assert "No difference: nothing changed by more than chance explains." in sentences(changes)


def test_one_query_that_moved_is_shown_and_still_no_difference(two_of):
    changes = compare_folders(*two_of(1))
    assert change(changes, "cheapest", "sum").verdict == "no difference"
    assert change(changes, "cheapest", "sum").difference == pytest.approx(-0.05)
    assert [(m.query_id, m.moved) for m in changes.moved] == [("test/sum/0", -1.0)]


def test_a_task_that_was_lost_is_worse_and_the_other_is_not(two_of):
    changes = compare_folders(*two_of(20))
    lost = change(changes, "cheapest", "sum")
    assert (lost.before, lost.after, lost.difference, lost.verdict) == (1.0, 0.0, -1.0, "worse")
    assert change(changes, "cheapest", "proof").verdict == "no difference"
    assert change(changes, "cheapest", "(all)").difference == pytest.approx(-0.5)
    assert change(changes, "model:large", "sum").verdict == "no difference"
    assert len(changes.moved) == 10 and {m.task for m in changes.moved} == {"sum"}
    assert "random" not in {m.router for m in changes.moved}  # it lost some of these too, and by chance alone
    assert set(changes.settings) == {"table"}


def test_evaluations_without_a_common_query_are_refused(two_of, suite_of):
    first, _ = two_of(0)
    other = evaluate_suite(suite_of(queries=1, models=("small", "large"), tasks=("proof",)))
    shared = compare_folders(first, other)
    assert shared.queries == 1
    other.lines.write_text(other.lines.read_text().replace("test/proof", "else/proof"))
    with pytest.raises(DataError, match="no query in common"):
        compare_folders(first, other)


def test_more_seeds_of_the_same_choices_are_no_change(suite_of, tmp_path):
    one, three = (
        evaluate_suite(suite_of(routers=("svm",), run_dir=tmp_path / str(len(seeds)), seeds=seeds))
        for seeds in ((0,), (0, 1, 2))
    )
    changes = compare_folders(one, three)
    assert {c.verdict for c in changes.changes if c.router == "svm"} == {"no difference"}
    assert changes.moved == ()
