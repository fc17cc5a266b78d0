"""The episodes of one training step, as its agent loops left them: metrics by term, and the best and worst to keep."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any


def read_step(rollouts: Path, step: int) -> dict[str, list[dict[str, Any]]]:
    """Records of one step by group. A line that a killed process left half-written is skipped."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(rollouts.glob(f"step_{step:06d}.*.jsonl")):
        for line in path.read_text().splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            groups[record["group"]].append(record)
    return dict(groups)


def forget_steps(rollouts: Path, through: int | None = None) -> None:
    """Remove the raw records of steps up to `through`, all of them by default."""
    for path in rollouts.glob("step_*.jsonl"):
        if through is None or int(path.name[5:11]) <= through:
            path.unlink(missing_ok=True)


def step_metrics(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, float]:
    """Means over all sampled episodes of a step, groups without spread included, so that curves are unbiased."""
    episodes = [e for group in groups.values() for e in group]
    scored = [e for e in episodes if e["total_reward"] is not None]
    if not scored:
        return {"episodes": float(len(episodes)), "unscored": float(len(episodes))}
    spreads = [_spread(group) for group in groups.values()]
    metrics = {
        "episodes": float(len(episodes)),
        "unscored": float(len(episodes) - len(scored)),
        "reward/mean": fmean(e["total_reward"] for e in scored),
        "quality/mean": fmean(e["quality"] or 0.0 for e in scored),
        "cost_usd/mean": fmean(e["cost_usd"] for e in episodes),
        "calls/mean": fmean(len(e["calls"]) for e in episodes),
        "format/rate": fmean(e["format_ok"] for e in episodes),
        "decomposed/rate": fmean(e["metrics"]["decomposed"] for e in episodes),
        "groups/no_spread": fmean(s < 1e-9 for s in spreads),
        "turns/forgiven": float(sum(e["metrics"].get("forgiven_turns", 0.0) for e in episodes)),
        "calls/bad": float(sum(e["metrics"]["bad_calls"] for e in episodes)),
        "replies/cut": float(sum(e["metrics"]["cut_replies"] for e in episodes)),
        "replies/defused": float(sum(e["metrics"]["defused_replies"] for e in episodes)),
        "tokens/sampled": float(sum(e["metrics"]["policy_tokens"] for e in episodes)),
    }
    for term in sorted({term for e in scored for term in e["reward"]}):
        metrics[f"reward/{term}"] = fmean(e["reward"].get(term, 0.0) for e in scored)
    for weight in sorted({e["cost_weight"] for e in scored}):
        at = [e for e in scored if e["cost_weight"] == weight]
        metrics[f"reward/at_{weight:g}"] = fmean(e["total_reward"] for e in at)
        metrics[f"cost_usd/at_{weight:g}"] = fmean(e["cost_usd"] for e in at)
    for stop, n in sorted(Counter(e["stop"] for e in episodes).items()):
        metrics[f"stop/{stop}"] = n / len(episodes)
    metrics["tokens/truncated_rate"] = fmean(e["stop"] == "max_tokens" for e in episodes)
    for part in ("generate", "tools"):
        spent = [e["seconds"][part] for e in episodes]
        metrics |= {f"episode_s/{part}/mean": fmean(spent), f"episode_s/{part}/max": max(spent)}
    return metrics | _call_metrics([call for e in episodes for call in e["calls"]])


def _call_metrics(calls: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Who was asked, who failed and how long it took. A route is valid when it names a model of its pool."""
    known = [call for call in calls if call["status"] != "unknown_model"]
    failed = [call["status"] not in ("ok", "unknown_model") for call in known]
    metrics = {
        "calls/valid_route_rate": len(known) / len(calls) if calls else 1.0,
        "calls/failed_rate": fmean(call["status"] != "ok" for call in calls) if calls else 0.0,
    }
    for status, n in sorted(Counter(call["status"] for call in calls).items()):
        metrics[f"calls/{status}"] = float(n)
    for status, n in sorted(Counter(status for call in calls for status in call["earlier"]).items()):
        metrics[f"tries/{status}"] = float(n)
    for model in sorted({call["model"] for call in known}):
        here = [bad for call, bad in zip(known, failed, strict=True) if call["model"] == model]
        metrics |= {f"share/{model}": len(here) / len(known), f"failed_rate/{model}": fmean(here)}
    if known:
        waited = sorted(call["latency_s"] for call in known)
        metrics |= {
            "latency_s/mean": fmean(waited),
            "latency_s/p95": waited[min(len(waited) - 1, int(0.95 * len(waited)))],
            "latency_s/max": waited[-1],
        }
    return metrics


def _spread(group: Sequence[Mapping[str, Any]]) -> float:
    rewards = [e["total_reward"] for e in group if e["total_reward"] is not None]
    return max(rewards) - min(rewards) if rewards else 0.0
