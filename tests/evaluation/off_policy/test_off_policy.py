"""A logged gateway, a saved router, and what `rl-router off-policy` says about the two."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rl_router import cli
from rl_router.data.table import RoutingTable
from rl_router.episode.world_task import WorldTask
from rl_router.errors import DataError
from rl_router.evaluation.off_policy.log import LoggedCall, append
from rl_router.evaluation.off_policy.policies import fixed_policy, router_policy, target_policy
from rl_router.evaluation.off_policy.report import judge, records, warnings
from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.cascade import Cascade

MODELS = ["large", "small"]
RIGHT = {("sums", "small"): 0.9, ("sums", "large"): 0.9, ("proofs", "small"): 0.1, ("proofs", "large"): 0.8}
PRICE = {"small": 0.001, "large": 0.01}


def table() -> RoutingTable:
    rows = [
        {
            "dataset": "made", "split": "train", "query_id": f"{task}{i}", "query": f"{task} number {i}", "task": task,
            "ground_truth": None, "model": model, "score": right, "cost_usd": PRICE[model], "prompt_tokens": 1,
            "completion_tokens": 1, "response": None,
        }
        for (task, model), right in RIGHT.items()
        for i in range(5)
    ]  # fmt: skip
    return RoutingTable(pl.DataFrame(rows, schema_overrides={"ground_truth": pl.String, "response": pl.String}))


@pytest.fixture(scope="module")
def router() -> BestPerTask:
    return BestPerTask(prior=0.0).fit(table())


def logged(n: int, seed: int = 0) -> list[LoggedCall]:
    """A gateway that sends four queries in five to the small model, whatever they are."""
    rng = np.random.default_rng(seed)
    calls = []
    for i in range(n):
        task = str(rng.choice(["sums", "proofs"]))
        model = "small" if rng.random() < 0.8 else "large"
        quality = float(rng.random() < RIGHT[task, model])
        calls.append(
            LoggedCall(
                query_id=f"q{i}",
                query=f"{task} number {i}",
                task=task,
                candidates=("small", "large"),
                model=model,
                propensity=0.8 if model == "small" else 0.2,
                quality=quality,
                cost_usd=PRICE[model],
            )
        )
    return calls


@pytest.fixture
def log(tmp_path) -> Path:
    path = tmp_path / "log.jsonl"
    for call in logged(800):
        append(path, call)
    return path


@pytest.fixture
def saved(tmp_path, router) -> str:
    router.save(tmp_path / "router")
    return str(tmp_path / "router")


def test_a_saved_router_decides_for_every_logged_query(router):
    calls = logged(4)
    target = router_policy(router, calls, MODELS, cost_weight=0.25)
    assert [MODELS[j] for j in target.argmax(axis=1)] == ["small" if call.task == "sums" else "large" for call in calls]
    assert target.sum(axis=1).tolist() == [1, 1, 1, 1]


def test_a_router_chooses_among_the_candidates_that_a_query_had(router):
    (call,) = logged(1)
    only_small = replace(call, candidates=("small", "unheard_of"), model="small", task="proofs")
    target = router_policy(router, [only_small], ["large", "small", "unheard_of"], cost_weight=0.0)
    assert target.tolist() == [[0, 1, 0]]
    with pytest.raises(DataError, match="knows none of the candidates"):
        router_policy(router, [replace(call, candidates=("x",), model="x")], ["x"], cost_weight=0.0)


def test_a_model_that_was_no_candidate_cannot_be_a_policy():
    calls = logged(2)
    assert fixed_policy("large", calls, MODELS).tolist() == [[1, 0], [1, 0]]
    calls[1] = replace(calls[1], candidates=("small",), model="small")
    with pytest.raises(DataError, match="no candidate for 1 of the 2"):
        fixed_policy("large", calls, MODELS)
    with pytest.raises(DataError, match="There is no router in a folder nowhere"):
        target_policy("nowhere", calls, MODELS, cost_weight=0.0)


def test_the_router_is_estimated_to_earn_what_it_would_have_earned(log, saved):
    quality, cost = judge(log, [saved], cost_weight=0.25)
    best = quality.estimates[0]
    # sums to small (.9), proofs to large (.8); the log earned .5 · .9 + .5 · (.8 · .1 + .2 · .8) = .57
    assert best.estimator == "doubly_robust"
    assert best.low <= 0.85 <= best.high
    assert quality.logged.value == pytest.approx(0.57, abs=0.05)
    assert quality.gain.interval()[0] > 0
    assert quality.mean_weight.value == pytest.approx(1, abs=4 * quality.mean_weight.se)
    assert cost.estimates[0].low <= 0.5 * 0.001 + 0.5 * 0.01 <= cost.estimates[0].high
    assert warnings(quality) == []


def test_calls_without_feedback_are_left_out(tmp_path):
    path = tmp_path / "log.jsonl"
    for i, call in enumerate(logged(50)):
        append(path, replace(call, quality=None if i < 20 else call.quality, cost_usd=None))
    (quality,) = judge(path, ["large"])
    assert quality.logged.n == 30
    nothing = tmp_path / "nothing.jsonl"
    append(nothing, replace(logged(1)[0], quality=None, cost_usd=None))
    with pytest.raises(DataError, match="neither a quality nor a cost_usd"):
        judge(nothing, ["large"])


def test_a_policy_that_the_log_cannot_speak_about_is_called_out(tmp_path):
    path = tmp_path / "log.jsonl"
    for i, call in enumerate(logged(60)):
        append(path, replace(call, query_id=str(i), model="small", propensity=1.0))
    quality, _ = judge(path, ["large"])
    found = " ".join(warnings(quality))
    assert "weights average 0.000 instead of 1" in found
    assert "100.0% of the queries" in found
    assert "0 effective queries" in found
    json.dumps(records([quality]), allow_nan=False)


def test_the_command_shows_a_table_and_gives_json(log, saved, capsys):
    assert cli.main(["off-policy", str(log), "--policy", saved, "small", "--cost-weight", "0.25"]) == 0
    shown = capsys.readouterr().out
    assert "doubly robust" in shown and "self normalised" in shown and "gain over the policy that logged" in shown
    assert cli.main(["off-policy", str(log), "--policy", "small", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["outcome"] for row in rows] == ["quality", "cost_usd"]
    assert {estimate["estimator"] for estimate in rows[0]["estimates"]} == {
        "doubly_robust", "self_normalised", "ips", "direct",
    }  # fmt: skip


def test_what_cannot_be_judged_is_refused_in_one_sentence(log, capsys):
    assert cli.main(["off-policy", str(log), "--policy", "nobody"]) == 2
    assert cli.main(["off-policy", str(log), "--policy", "small", "--cost-weight=-1"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_the_policy_of_an_rl_run_is_estimated_by_whom_it_asks(tmp_path, replay_run):
    calls = [replace(call, query="test sum word0") for call in logged(40)]
    target = target_policy(str(replay_run.path), calls, MODELS, cost_weight=0.5)
    assert set(target.sum(axis=1)) == {1.0} and len({tuple(row) for row in target}) == 1  # one question, one answer
    path = tmp_path / "log.jsonl"
    for call in calls:
        append(path, call)
    quality, cost = judge(path, [str(replay_run.path)], cost_weight=0.5)
    asked = MODELS[int(target[0].argmax())]
    assert cost.estimates[-1].value == pytest.approx(PRICE[asked], rel=0.05)
    with pytest.raises(DataError, match="was no candidate for the query"):
        other = [replace(call, candidates=("x",), model="x") for call in calls]
        target_policy(str(replay_run.path), other, ["x"], cost_weight=0.5)


def test_a_policy_that_orchestrates_and_a_cascade_are_refused(policy_run, tmp_path):
    run = policy_run("orchestra", WorldTask(n_train=300, n_val=5, n_test=40))
    with pytest.raises(DataError, match="orchestrates"):
        target_policy(str(run.path), logged(3), MODELS, cost_weight=0.5)
    answered = RoutingTable(table().frame.with_columns(response=pl.lit("an answer")))
    BestPerTask().fit(answered, rule=Cascade()).save(tmp_path / "ladder")
    with pytest.raises(DataError, match="A cascade asks several models in turn"):
        target_policy(str(tmp_path / "ladder"), logged(3), MODELS, cost_weight=0.0)


def test_a_log_without_texts_speaks_of_models_only(saved):
    calls = [replace(call, query="") for call in logged(3)]
    assert target_policy("small", calls, MODELS, cost_weight=0.0).sum() == 3
    with pytest.raises(DataError, match=r"3 of the 3 logged queries have no text"):
        target_policy(saved, calls, MODELS, cost_weight=0.0)


def test_the_run_of_a_classical_router_is_a_policy_too(tmp_path, router):
    router.save(tmp_path / "run" / "router")
    assert target_policy(str(tmp_path / "run"), logged(4), MODELS, cost_weight=0.0).sum() == 4
