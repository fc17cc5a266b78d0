"""What the commands that ask a classical router share: finding it by its run or by RouteLLM's name for it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_router.errors import RecipeError

if TYPE_CHECKING:
    from rl_router.routers.router import Router
    from rl_router.types import Decision, Query


def is_router(run: Path) -> bool:
    """Whether `run` is a run of a classical router or a name like router-knn-0.3."""
    from rl_router.routers.calibration import parse_router_name

    return (run / "router").is_dir() or (not run.exists() and parse_router_name(str(run)) is not None)


def open_router(run: Path) -> Router:
    """The router of a run folder; `router-NAME-THRESHOLD` is the one in runs/NAME, between two of its models."""
    from rl_router.routers.calibration import parse_router_name, use_threshold
    from rl_router.routers.router import load_router

    named = None if run.exists() else parse_router_name(str(run))
    if named is None:
        return load_router(run / "router")
    name, threshold = named
    router = load_router(Path("runs") / name / "router")
    use_threshold(router, threshold)
    router.calibration_ = None
    return router


def chosen_weight(router: Router, asked: float | None) -> float:
    """What was asked for, else what the router was calibrated to, else 0."""
    if asked is not None:
        if not 0 <= asked < math.inf:
            raise RecipeError(f"expected a --cost-weight of zero or more, got {asked:g}")
        return asked
    return router.calibration_.cost_weight if router.calibration_ is not None else 0.0


def decision_record(query: Query, decision: Decision, cost_weight: float) -> dict[str, Any]:
    return {
        "query_id": query.query_id,
        "query": query.text,
        "model": decision.model,
        "cost_weight": cost_weight,
        "predicted_quality": dict(decision.scores),
        "predicted_cost_usd": dict(decision.predicted_cost_usd),
        "fallbacks": list(decision.fallbacks),
        "propensity": decision.propensity,
        "reason": decision.reason,
    }


def decision_view(record: dict[str, Any]) -> str:
    """A decision for reading: every model with its predicted quality and cost, the best first."""
    from rl_router.observe.formats import count, usd

    costs = record["predicted_cost_usd"]
    lines = [f"query   {record['query']}", f"λ       {record['cost_weight']:g}", ""]
    width = max(map(len, record["predicted_quality"]))
    for model, quality in sorted(record["predicted_quality"].items(), key=lambda item: -item[1]):
        mark = "→" if model == record["model"] else " "
        lines.append(f"      {mark} {model:<{width}}  quality {count(quality)}  {usd(costs.get(model))}")
    then = f", then {', '.join(record['fallbacks'])}" if record["fallbacks"] else ""
    return "\n".join([*lines, "", f"model   {record['model']}{then}", f"why     {record['reason']}"])
