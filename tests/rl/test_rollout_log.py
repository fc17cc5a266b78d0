import json

import pytest

from rl_router.rl.rollout_log import forget_steps, read_step, step_metrics


def record(
    group,
    reward,
    *,
    weight=0.5,
    quality=1.0,
    cost=0.002,
    model="nano",
    ok=True,
    status="ok",
    stop="answered",
    wait=0.1,
    earlier=(),
):
    return {
        "group": group,
        "total_reward": reward,
        "reward": {"correct": reward} if reward is not None else {"correct": None},
        "quality": quality if reward is not None else None,
        "cost_usd": cost,
        "cost_weight": weight,
        "format_ok": ok,
        "calls": [{"model": model, "status": status, "latency_s": wait, "earlier": list(earlier)}],
        "stop": stop,
        "seconds": {"generate": 0.5, "tools": wait},
        "metrics": {
            "decomposed": 0.0,
            "policy_tokens": 10.0,
            "bad_calls": 1.0,
            "cut_replies": 0.0,
            "defused_replies": 2.0,
        },  # fmt: skip
    }


def test_metrics_are_means_over_all_episodes_and_by_cost_weight():
    groups = {
        "a": [record("a", 1.0, cost=0.001), record("a", 0.0, quality=0.0, cost=0.003, model="titan")],
        "b": [record("b", 0.5, weight=2.0), record("b", 0.5, weight=2.0)],
    }
    metrics = step_metrics(groups)
    assert metrics["reward/mean"] == pytest.approx(0.5)
    assert metrics["quality/mean"] == pytest.approx(0.75)
    assert metrics["cost_usd/mean"] == pytest.approx(0.002)
    assert metrics["reward/at_0.5"] == pytest.approx(0.5)
    assert metrics["cost_usd/at_2"] == pytest.approx(0.002)
    assert metrics["groups/no_spread"] == 0.5
    assert metrics["share/nano"] == 0.75
    assert metrics["tokens/sampled"] == 40


def test_calls_are_counted_by_model_by_what_became_of_them_and_by_how_long_they_took():
    calls = [
        record("a", 1.0, model="nano", wait=0.1, earlier=("rate_limited", "failed", "rate_limited")),
        record("a", 0.0, model="nano", status="timeout", wait=2.0),
        record("a", 1.0, model="titan", wait=0.3),
        record("a", 0.0, model="gpt", status="unknown_model", wait=0.0, stop="max_tokens"),
    ]
    metrics = step_metrics({"a": calls})
    assert metrics["calls/valid_route_rate"] == 0.75
    assert metrics["calls/failed_rate"] == 0.5  # a model that is not there answers as little as one that times out
    assert (metrics["share/nano"], metrics["failed_rate/nano"]) == (pytest.approx(2 / 3), 0.5)
    assert (metrics["share/titan"], metrics["failed_rate/titan"]) == (pytest.approx(1 / 3), 0.0)
    assert "share/gpt" not in metrics
    assert (metrics["calls/ok"], metrics["calls/timeout"], metrics["calls/unknown_model"]) == (2.0, 1.0, 1.0)
    assert (metrics["tries/rate_limited"], metrics["tries/failed"]) == (2.0, 1.0)  # and a later try got past them
    assert (metrics["calls/bad"], metrics["replies/cut"], metrics["replies/defused"]) == (4.0, 0.0, 8.0)
    assert metrics["latency_s/mean"] == pytest.approx(0.8) and metrics["latency_s/p95"] == 2.0
    assert (metrics["stop/answered"], metrics["stop/max_tokens"]) == (0.75, 0.25)
    assert metrics["tokens/truncated_rate"] == 0.25
    assert metrics["episode_s/tools/mean"] == pytest.approx(0.6) and metrics["episode_s/generate/max"] == 0.5


def test_a_step_without_calls_has_no_latency():
    quiet = record("a", 1.0) | {"calls": []}
    metrics = step_metrics({"a": [quiet, quiet]})
    assert (metrics["calls/valid_route_rate"], metrics["calls/failed_rate"]) == (1.0, 0.0)
    assert not [name for name in metrics if name.startswith(("latency_s", "share/"))]


def test_an_unscored_episode_is_counted_and_enters_no_mean():
    metrics = step_metrics({"a": [record("a", 1.0), record("a", None)]})
    assert metrics["unscored"] == 1
    assert metrics["reward/mean"] == 1.0
    assert metrics["quality/mean"] == 1.0


def test_a_torn_line_is_skipped_and_groups_come_from_every_process(tmp_path):
    (tmp_path / "step_000003.11.jsonl").write_text(json.dumps(record("a", 1.0)) + "\n" + '{"group": "a", "tot')
    (tmp_path / "step_000003.12.jsonl").write_text(json.dumps(record("a", 0.0)) + "\n")
    (tmp_path / "step_000004.12.jsonl").write_text(json.dumps(record("b", 0.0)) + "\n")
    assert [e["total_reward"] for e in read_step(tmp_path, 3)["a"]] == [1.0, 0.0]
    forget_steps(tmp_path, through=3)
    assert [p.name for p in tmp_path.iterdir()] == ["step_000004.12.jsonl"]
