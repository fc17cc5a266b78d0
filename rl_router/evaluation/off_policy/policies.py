"""What a router, or a fixed model, would have chosen for the queries of a log: π(a | x) as a matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rl_router.errors import DataError
from rl_router.evaluation.off_policy.log import LoggedCall
from rl_router.routers.router import Router, load_router
from rl_router.types import Query


def target_policy(name: str, calls: Sequence[LoggedCall], models: Sequence[str], cost_weight: float) -> np.ndarray:
    """[n, m] probabilities of the policy `name`: a folder that holds a saved router, or a model of the log."""
    if Path(name).is_dir():
        return router_policy(load_router(Path(name)), calls, models, cost_weight)
    if name in models:
        return fixed_policy(name, calls, models)
    raise DataError(
        f"There is no router in a folder {name}, and no model of that name in the log; "
        f"name a folder that a router was saved in, or one of {', '.join(models)}."
    )


def fixed_policy(model: str, calls: Sequence[LoggedCall], models: Sequence[str]) -> np.ndarray:
    """[n, m] always `model`, which must have been a candidate for every query."""
    missing = sum(model not in call.candidates for call in calls)
    if missing:
        raise DataError(
            f"{model} was no candidate for {missing} of the {len(calls)} queries, so always choosing it was not "
            "possible; name another model, or a log of one pool."
        )
    target = np.zeros((len(calls), len(models)))
    target[:, models.index(model)] = 1.0
    return target


def router_policy(router: Router, calls: Sequence[LoggedCall], models: Sequence[str], cost_weight: float) -> np.ndarray:
    """[n, m] what `router` decides among the candidates that each query had and that it knows."""
    target = np.zeros((len(calls), len(models)))
    for candidates, rows in _by_candidates(calls).items():
        known = [model for model in candidates if model in router.models_]
        if not known:
            raise DataError(
                f"The router knows none of the candidates {', '.join(candidates)} of {len(rows)} logged queries; "
                f"it was fitted on {', '.join(router.models_)}."
            )
        decisions = router.route([_query(calls[i]) for i in rows], cost_weight=cost_weight, models=known)
        target[rows, [models.index(decision.model) for decision in decisions]] = 1.0
    return target


def _by_candidates(calls: Sequence[LoggedCall]) -> dict[tuple[str, ...], list[int]]:
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, call in enumerate(calls):
        rows[call.candidates].append(i)
    return rows


def _query(call: LoggedCall) -> Query:
    return Query(query_id=call.query_id, text=call.query, answers=(), task=call.task or "")
