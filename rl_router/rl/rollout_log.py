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
        "tokens/sampled": float(sum(e["metrics"]["policy_tokens"] for e in episodes)),
    }
    for term in sorted({term for e in scored for term in e["reward"]}):
        metrics[f"reward/{term}"] = fmean(e["reward"].get(term, 0.0) for e in scored)
    for weight in sorted({e["cost_weight"] for e in scored}):
        at = [e for e in scored if e["cost_weight"] == weight]
        metrics[f"reward/at_{weight:g}"] = fmean(e["total_reward"] for e in at)
        metrics[f"cost_usd/at_{weight:g}"] = fmean(e["cost_usd"] for e in at)
    calls = Counter(call["model"] for e in episodes for call in e["calls"] if call["status"] != "unknown_model")
    for model, n in sorted(calls.items()):
        metrics[f"share/{model}"] = n / calls.total()
    failed = [call["status"] != "ok" for e in episodes for call in e["calls"]]
    metrics["calls/failed_rate"] = fmean(failed) if failed else 0.0
    return metrics


def _spread(group: Sequence[Mapping[str, Any]]) -> float:
    rewards = [e["total_reward"] for e in group if e["total_reward"] is not None]
    return max(rewards) - min(rewards) if rewards else 0.0
