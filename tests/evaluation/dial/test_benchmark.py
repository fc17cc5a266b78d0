"""The experiment as a command, on runs whose results are written by hand: nothing is trained here."""

import json

import pytest

from rl_router.evaluation.dial.benchmark import main
from rl_router.evaluation.dial.entrants import RECIPE, REWARDS, entrants
from rl_router.recipe import load_job
from rl_router.rl.job import job_to_dict

WEIGHTS = (0.0, 1.0)


@pytest.fixture
def folder(tmp_path):
    for name, costs in (("dial_seed0", (8e-4, 2e-4)), ("dial_seed1", (6e-4, 4e-4)), ("router_r1_seed0", (3e-4, 3e-4))):
        run = tmp_path / name
        run.mkdir()
        changes = ["cost_weights=[0,1]", "task.n_train=300", "task.n_test=60", "task.n_val=10", f"run_dir={run}"]
        job = load_job(RECIPE, [*REWARDS[name.rsplit("_seed")[0]], *changes])
        (run / "config.json").write_text(json.dumps(job_to_dict(job)))
        rows = []
        for weight, cost in zip(WEIGHTS, costs, strict=True):
            rows.append({"router": "policy", "cost_weight": weight, "reward": 0.72, "cost_usd": cost, "quality": 0.9})
            rows.append(
                {"router": "best_table", "cost_weight": weight, "reward": 0.8, "cost_usd": 2e-4, "quality": 1.0}
            )
        (run / "results.json").write_text(json.dumps({"rows": rows}))
        split = [
            {"router": "policy", "cost_weight": w, "task": "two_hop1", "model": "wiki (first hop)", "share": 1.0}
            for w in WEIGHTS
        ]
        (run / "choices.json").write_text(json.dumps({"rows": split}))
        (run / "metrics.jsonl").write_text(
            "".join(json.dumps({"step": s, "reward/at_0": 0.1 * s, "reward/at_1": 0.05 * s}) + "\n" for s in (1, 2, 3))
        )
    return tmp_path


def test_every_reward_that_takes_part_is_a_recipe_that_composes():
    assert [load_job(RECIPE, list(changes)).reward.kind for changes in REWARDS.values()] == list(REWARDS)


def test_the_findings_say_where_a_dial_falls_short(folder, capsys):
    curves = folder / "curves.svg"
    said = main(["--folder", str(folder), "--seeds", "0", "1", "--read-only", "--curves", str(curves)])
    assert said == 0
    text = capsys.readouterr().out
    assert "| 0 | 0.720 ± 0.000 | 0.800 | 90.0 ± 0.0 % | 0.900 | 0.700 ± 0.200 |" in text
    assert "- Mean cost falls at every step; within a single seed it fails to 0 of 2 times." in text
    assert "- Below 95 % of the best table: 0 (90.0%) and 1 (90.0%)." in text
    assert "**router_r1**, seed 0" in text and "**success_gated**" not in text
    assert "| nano |" in text and "| router_r1 | α = 0.6 |" in text
    assert curves.read_text().startswith("<svg") and "reward at λ = 1" in curves.read_text()
    assert json.loads((folder / "findings.json").read_text())["policies"]["dial"][0]["costs_usd"] == [8e-4, 6e-4]


def test_without_a_finished_run_there_is_one_sentence(tmp_path, capsys):
    assert main(["--folder", str(tmp_path), "--read-only"]) == 2
    assert "no dial run in" in capsys.readouterr().err


def test_others_take_the_first_seed(tmp_path):
    names = [e.folder.name for e in entrants(tmp_path, [3, 4], ["router_r1"])]
    assert names == ["dial_seed3", "dial_seed4", "router_r1_seed3"]
