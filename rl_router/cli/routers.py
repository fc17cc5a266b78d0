"""What the commands that ask a classical router share: finding it by its name, and showing what it decided."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_router.errors import RecipeError

if TYPE_CHECKING:
    from rl_router.routers.named import Named
    from rl_router.types import Decision, Query

NAME = "a run folder, such as runs/knn, or router-NAME-THRESHOLD"


def named_router(name: Path) -> Named:
    """RecipeError where `name` is no classical router."""
    from rl_router.routers.named import find_router

    found = find_router(name)
    if found is None:
        raise RecipeError(
            f"expected the run of a classical router, got {name}: name a folder that `rl-router train` wrote, or"
            " router-NAME-THRESHOLD"
        )
    return found


def decision_record(query: Query, decision: Decision, cost_weight: float, why: str) -> dict[str, Any]:
    return {
        "query_id": query.query_id,
        "query": query.text,
        "model": decision.model,
        "cost_weight": cost_weight,
        "dial": why,
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
    lines = [f"query   {record['query']}", f"λ       {record['cost_weight']:g} ({record['dial']})", ""]
    width = max(map(len, record["predicted_quality"]))
    for model, quality in sorted(record["predicted_quality"].items(), key=lambda item: -item[1]):
        mark = "→" if model == record["model"] else " "
        lines.append(f"      {mark} {model:<{width}}  quality {count(quality)}  {usd(costs.get(model))}")
    then = f", then {', '.join(record['fallbacks'])}" if record["fallbacks"] else ""
    return "\n".join([*lines, "", f"model   {record['model']}{then}", f"why     {record['reason']}"])
