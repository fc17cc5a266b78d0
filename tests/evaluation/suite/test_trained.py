"""Routers of a suite that somebody made before: the folder of an RL run, that of a classical one, a plug-in."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rl_router.cli import main
from rl_router.data.table import RoutingTable
from rl_router.episode.world_task import WorldTask
from rl_router.errors import CheckpointError, RecipeError
from rl_router.evaluation.report.write import write_reports
from rl_router.evaluation.suite.evaluate import evaluate_suite
from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.cascade import Cascade

EXAMPLES = Path(__file__).parents[3] / "docs" / "custom_routers"


def rows_of(folder, router):
    return [row for row in map(json.loads, folder.lines.read_text().splitlines()) if row["router"] == router]


def test_a_policy_that_decides_is_judged_on_recorded_answers_and_pays_for_its_own_tokens(suite_of, replay_run):
    folder = evaluate_suite(suite_of(routers=(str(replay_run.path),)))
    recorded = {"small": (0.001, {"sum": 1.0, "proof": 0.0}), "large": (0.010, {"sum": 1.0, "proof": 1.0})}
    rows = rows_of(folder, "mine")
    assert len(rows) == 6 and all(row["cost_weights"] == [0.0, 0.5, 2.0] for row in rows)
    asked = set()
    for row in rows:
        for models, quality, cost, own in zip(
            *(row[k] for k in ("models", "quality", "cost_usd", "router_usd")), strict=True
        ):
            assert own > 0
            cost_usd, right = recorded[models[0]] if models else (0.0, {row["task"]: 0.0})
            assert (quality, cost) == (right[row["task"]], pytest.approx(cost_usd + own))
            asked.update(models)
    assert asked
    summary = write_reports(folder)
    point = next(p for p in summary.points if (p.router, p.cost_weight) == ("mine", 0.5))
    assert point.block == "decide" and point.router_usd > 0
    assert point.cost_usd == pytest.approx(np.mean([row["cost_usd"][1] for row in rows]))
    assert (
        "Costs include the routers' own tokens, per 1,000 queries at the least λ: mine $" in folder.markdown.read_text()
    )


def test_the_price_of_its_own_tokens_is_that_of_the_recipe_turn_by_turn(suite_of, replay_run):
    """One turn reads the prompt and samples a route; half the prices are half the money."""
    first = rows_of(evaluate_suite(suite_of(routers=(str(replay_run.path),))), "mine")
    config = json.loads(replay_run.config.read_text())
    config["policy"] |= {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 5.0}
    replay_run.config.write_text(json.dumps(config))
    second = rows_of(evaluate_suite(suite_of(routers=(str(replay_run.path),))), "mine")  # another price: played again
    assert len(second) == 6
    for before, after in zip(first, second, strict=True):
        assert after["router_usd"] == pytest.approx([usd / 2 for usd in before["router_usd"]])


def test_an_answer_that_nobody_graded_is_no_answer_of_the_policy_either(suite_of, replay_run, table_path):
    here = pl.col("query_id") == "test/sum/0"
    RoutingTable(pl.read_parquet(table_path).with_columns(score=pl.when(~here).then("score"))).write(table_path)
    (row,) = [r for r in rows_of(evaluate_suite(suite_of(routers=(str(replay_run.path),))), "mine")
              if r["query_id"] == "test/sum/0"]  # fmt: skip
    assert all(q is None or not m for q, m in zip(row.get("quality", [None] * 3), row["models"], strict=True))


def test_a_policy_that_orchestrates_stands_in_a_block_of_its_own(suite_of, policy_run):
    run = policy_run("orchestra", WorldTask(n_train=300, n_val=5, n_test=40))
    suite = suite_of(table=None, benchmarks=("world",), pool="world", queries=30, routers=(str(run.path),))
    folder = evaluate_suite(suite)
    rows = rows_of(folder, "orchestra")
    assert {row["block"] for row in rows} == {"orchestrate"} and len(rows) == 30
    for row in rows:
        for models, cost, own in zip(row["models"], row["cost_usd"], row["router_usd"], strict=True):
            assert cost >= own > 0 and (models or cost == pytest.approx(own))
    page = write_reports(folder)
    assert "routers that orchestrate" in folder.markdown.read_text()
    assert next(p for p in page.points if p.router == "orchestra").calls > 0


def test_a_policy_of_another_pool_or_without_weights_is_refused_in_a_sentence(suite_of, replay_run):
    with pytest.raises(RecipeError, match=r"trained to choose among small, large, and this suite offers large"):
        evaluate_suite(suite_of(routers=(str(replay_run.path),), models=("large",)))
    shutil.rmtree(replay_run.policy)
    with pytest.raises(CheckpointError, match="train the run first"):
        evaluate_suite(suite_of(routers=(str(replay_run.path),), resume=False))


def test_a_folder_that_train_wrote_is_a_router_and_one_trained_anew_is_played_again(suite_of, table_path, tmp_path):
    run = tmp_path / "classical"
    command = ["train", "knn", f"data={table_path}", f"run_dir={run}"]
    assert main([*command, "router.k=1"]) == 0
    folder = evaluate_suite(suite_of(routers=(str(run),)))
    before = rows_of(folder, "classical")
    same = evaluate_suite(suite_of(routers=({"router": "knn", "k": 1, "name": "fitted here"},)))
    fitted = rows_of(same, "fitted here")
    assert [row["models"] for row in before] == [row["models"] for row in fitted]
    assert main([*command, "router.k=6"]) == 0
    again = rows_of(evaluate_suite(suite_of(routers=(str(run),))), "classical")
    assert len(again) == 6 and len(before) == 6


def test_a_cascade_pays_for_every_call_of_its_route_and_the_page_names_them(suite_of, table_path, tmp_path):
    """No reply is trusted (accept = 1), so whatever has a better model above it is asked again: the proofs."""
    BestPerTask(prior=0.0).fit(
        RoutingTable.read(table_path).select(split="train"), rule=Cascade(accept=1.0)
    ).save(tmp_path / "ladder")  # fmt: skip
    folder = evaluate_suite(suite_of(routers=(str(tmp_path / "ladder"),), cost_weights=(0.0,)))
    for row in rows_of(folder, "ladder"):
        models, cost_usd = {"sum": (["small"], 0.001), "proof": (["small", "large"], 0.011)}[row["task"]]
        assert (row["models"], row["cost_usd"], row["quality"]) == ([models], [pytest.approx(cost_usd)], [1.0])
        assert row["completion_tokens"] == [{"sum": 5, "proof": 25}[row["task"]]]
    point = next(p for p in write_reports(folder).points if p.router == "ladder")
    assert (point.calls, point.cost_usd) == (1.5, pytest.approx(0.006))
    page = folder.report.read_text()
    episodes = json.loads(page.split('id="episode-data">')[1].split("</script>")[0])
    ladder = episodes["routers"].index("ladder")
    chains = {tuple(episodes["models"][m] for m in row[3]) for row in episodes["rows"] if row[1] == ladder}
    assert chains == {("small",), ("small", "large")}


def test_a_plug_in_is_a_router_by_its_name_with_its_own_parameters(suite_of, monkeypatch):
    """The texts are like "test proof word0": of three words, which is more than two and not more than four."""
    monkeypatch.setenv("RL_ROUTER_PLUGINS", str(EXAMPLES))
    entries = [{"router": "by_length", "words": words, "name": f"up to {words}"} for words in (2, 4)]
    folder = evaluate_suite(suite_of(routers=(*entries, "centroid")))
    asked = {name: {m for row in rows_of(folder, name) for of in row["models"] for m in of}
             for name in ("up to 2", "up to 4", "centroid")}  # fmt: skip
    assert asked["up to 2"] == {"large"} and asked["up to 4"] == {"small"} and asked["centroid"] <= {"small", "large"}
    with pytest.raises(RecipeError, match="by_length has no 'letters'"):
        evaluate_suite(suite_of(routers=({"router": "by_length", "letters": 3},)))
