"""A suite on the hand-made table: its numbers by hand, resumed after any cut, and regenerated from the lines alone."""

import json

import polars as pl
import pytest

from rl_router.data.custom import METRICS
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError, RecipeError, UnknownModelError
from rl_router.evaluation.report.write import write_reports
from rl_router.evaluation.suite.evaluate import evaluate_suite
from rl_router.evaluation.suite.folder import SuiteFolder
from rl_router.evaluation.suite.suite import Splits

MANDATORY = {"random", "cheapest", "strongest", "best_single", "best_per_task", "knn", "prompt_length", "oracle"}


def summary_of(suite):
    return write_reports(evaluate_suite(suite))


def point(summary, router, weight):
    return next(p for p in summary.points if (p.router, p.cost_weight) == (router, weight))


def test_no_suite_is_without_the_rows_that_nobody_can_leave_out_and_the_single_models(suite_of):
    summary = summary_of(suite_of())
    assert {p.router for p in summary.points} == MANDATORY | {"model:small", "model:large"}


def test_quality_cost_and_utility_are_those_worked_out_by_hand(suite_of):
    summary = summary_of(suite_of())
    table = point(summary, "best_per_task", 0.5)  # sums to small, proofs to large
    assert table.quality == 1.0
    assert table.cost_usd == pytest.approx(0.0055)
    assert table.utility == pytest.approx(1 - 0.5 * 0.55)
    small = point(summary, "model:small", 2.0)
    assert (small.quality, small.n) == (0.5, 6)
    assert small.utility == pytest.approx(0.5 - 2 * 0.1)
    assert summary.worth("best_per_task").gap_closed is None  # at λ = 0 the best single model is as good as the oracle


def test_a_token_limit_says_which_answers_were_cut_off(suite_of):
    summary = summary_of(suite_of(max_tokens=20))
    assert point(summary, "model:large", 0.0).truncated == 1.0
    assert point(summary, "model:small", 0.0).truncated == 0.0
    assert point(summary_of(suite_of(resume=False)), "model:large", 0.0).truncated is None


def test_a_metric_of_a_file_that_the_suite_names_is_a_column(suite_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.py"
    file.write_text(
        "from rl_router.data.custom import metric\n\n\n@metric('right_per_usd')\n"
        "def right_per_usd(quality, cost_usd):\n    return float(quality.sum() / cost_usd.sum())\n"
    )
    try:
        summary = summary_of(suite_of(custom_tasks=str(file)))
        best = point(summary, "best_per_task", 0.5)  # all right at 0.0055 each
        assert best.custom["right_per_usd"] == pytest.approx(1 / 0.0055)
    finally:
        METRICS.remove("right_per_usd")
    with pytest.raises(DataError, match="There is no file or folder of custom tasks at .*none.py"):
        evaluate_suite(suite_of(custom_tasks=str(tmp_path / "none.py"), resume=False))


def test_the_table_comes_from_the_lines_alone(suite_of):
    folder = evaluate_suite(suite_of(routers=("model:small",)))
    first = write_reports(folder)
    folder.queries.unlink()
    folder.results.unlink()
    assert write_reports(SuiteFolder.open(folder.path)) == first


@pytest.mark.parametrize("share", [0.0, 0.3, 0.55, 0.999])
def test_a_run_that_was_cut_anywhere_ends_with_the_same_table(suite_of, share):
    whole = summary_of(suite_of(routers=("svm",)))
    folder = SuiteFolder.open(suite_of().run_dir)
    data = folder.lines.read_bytes()
    folder.lines.write_bytes(data[: int(share * len(data))])
    again = summary_of(suite_of(routers=("svm",)))
    assert {(p.router, p.cost_weight): p for p in again.points} == {(p.router, p.cost_weight): p for p in whole.points}
    assert sorted(folder.lines.read_bytes().splitlines()) == sorted(data.splitlines())


def test_a_finished_run_plays_nothing_again_and_a_new_router_only_itself(suite_of):
    folder = evaluate_suite(suite_of())
    before = folder.lines.read_bytes()
    evaluate_suite(suite_of())
    assert folder.lines.read_bytes() == before
    evaluate_suite(suite_of(routers=("model:small",)))
    added = folder.lines.read_bytes().removeprefix(before).splitlines()
    assert [json.loads(line)["router"] for line in added] == ["model:small"] * 6


def test_routers_that_are_played_together_have_the_lines_that_each_has_alone(suite_of, tmp_path):
    routers = ("svm", "elo", {"router": "knn", "k": 1}, {"router": "ridge"})
    together = evaluate_suite(suite_of(routers=routers)).lines.read_bytes().splitlines()
    alone = set()
    for i, router in enumerate(routers):  # nothing read for one is at hand for the next
        alone.update(
            evaluate_suite(suite_of(routers=(router,), run_dir=tmp_path / str(i))).lines.read_bytes().splitlines()
        )
    assert set(together) == alone and len(together) == len(alone)


def test_a_router_without_a_line_is_named(suite_of):
    folder = evaluate_suite(suite_of(routers=("svm",)))
    lines = folder.lines.read_bytes().splitlines(keepends=True)
    folder.lines.write_bytes(b"".join(line for line in lines if b'"svm"' not in line))
    assert "svm has not answered any of the queries yet." in write_reports(folder).remarks
    assert write_reports(evaluate_suite(suite_of(routers=("svm",)))).remarks == ()


def test_another_suite_is_not_mixed_into_a_folder(suite_of, table_path):
    evaluate_suite(suite_of())
    with pytest.raises(RecipeError, match=r"cost_weights=.*another run_dir"):
        evaluate_suite(suite_of(cost_weights=(0.0, 1.0)))
    RoutingTable(pl.read_parquet(table_path).with_columns(score=pl.lit(1.0))).write(table_path)
    with pytest.raises(RecipeError, match="data has changed"):
        evaluate_suite(suite_of())
    assert point(summary_of(suite_of(resume=False)), "model:small", 0.0).quality == 1.0


@pytest.mark.parametrize(
    ("routers", "says"),
    [
        (("knnn",), "did you mean knn"),
        (({"router": "knn", "neighbours": 3},), "knn has no 'neighbours'"),
        (({"router": "knn", "k": 0},), "k = 0"),
        (({"router": "knn", "k": 3, "name": "knn"},), "two routers of this suite are named 'knn'"),
        (("runs/none",), "no folder runs/none"),
        (({"k": 3},), "router: NAME"),
    ],
)
def test_a_router_that_does_not_fit_is_refused_before_anything_is_written(suite_of, routers, says):
    suite = suite_of(routers=routers)
    with pytest.raises(RecipeError, match=says):
        evaluate_suite(suite)
    assert not suite.run_dir.exists()


def test_a_table_without_a_split_to_fit_on_says_how_to_divide_it(suite_of, table_path):
    RoutingTable(pl.read_parquet(table_path).filter(pl.col("split") == "test")).write(table_path)
    with pytest.raises(DataError, match=r"splits\.holdout=0\.5"):
        evaluate_suite(suite_of())
    summary = summary_of(suite_of(splits=Splits(holdout=0.5)))
    assert 0 < summary.queries < 6
    assert any("no split to fit on" in remark for remark in summary.remarks)


def test_a_test_question_that_is_fitted_on_too_is_left_out_and_said(suite_of, table_path):
    frame = pl.read_parquet(table_path)
    leak = pl.when(pl.col("query_id") == "test/sum/0").then(pl.lit("train sum word0")).otherwise(pl.col("query"))
    RoutingTable(frame.with_columns(query=leak)).write(table_path)
    summary = summary_of(suite_of())
    assert summary.queries == 5
    assert any("word for word" in remark for remark in summary.remarks)


def test_without_costs_there_is_only_quality_and_no_cheapest_model(suite_of, table_path):
    RoutingTable(pl.read_parquet(table_path).with_columns(cost_usd=pl.lit(None, pl.Float64))).write(table_path)
    summary = summary_of(suite_of())
    assert summary.cost_weights == (0.0,)
    assert "cheapest" not in {p.router for p in summary.points}
    assert point(summary, "oracle", 0.0).cost_usd is None
    assumed = summary_of(suite_of(usd_per_call={"small": 0.001, "large": 0.010}, resume=False))
    assert point(assumed, "best_per_task", 0.5).cost_usd == pytest.approx(0.0055)
    assert any("assumed" in remark for remark in assumed.remarks)


@pytest.mark.parametrize("changes", [{"models": ("small",)}, {"free": True}])
def test_where_all_models_cost_the_same_there_is_no_range_of_costs_and_no_aiq(suite_of, table_path, changes):
    if changes.pop("free", False):
        RoutingTable(pl.read_parquet(table_path).with_columns(cost_usd=pl.lit(0.0))).write(table_path)
    folder = evaluate_suite(suite_of(routers=("svm",), **changes))
    assert {worth.aiq for worth in write_reports(folder).worths} == {None}
    assert "<svg" in folder.report.read_text()


def test_seeds_are_played_where_chance_is_and_stand_in_the_error(suite_of):
    summary = summary_of(suite_of(seeds=(0, 1, 2)))
    assert point(summary, "random", 0.0).seeds == 3
    assert point(summary, "random", 0.0).quality_se_seeds is not None
    assert point(summary, "oracle", 0.0).seeds == 1


def test_a_model_that_is_not_there_is_refused_before_anything_is_written(suite_of):
    suite = suite_of(routers=("model:nobody",))
    with pytest.raises(UnknownModelError, match="there are large, small|there are small, large"):
        evaluate_suite(suite)
    assert not suite.run_dir.exists()


def test_without_costs_the_table_says_what_is_missing_and_whose_price(suite_of, table_path):
    unpriced = pl.when(pl.col("model") != "large").then("cost_usd")
    RoutingTable(pl.read_parquet(table_path).with_columns(cost_usd=unpriced)).write(table_path)
    summary = summary_of(suite_of())
    assert {p.router for p in summary.points} == (MANDATORY - {"cheapest"}) | {"model:small", "model:large"}
    assert {p.cost_weight for p in summary.points} == {0.0}
    assert any(r.startswith("No cost is known of large, so there is no row `cheapest`") for r in summary.remarks)
