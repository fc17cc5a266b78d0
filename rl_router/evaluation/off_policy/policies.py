"""What a router, a trained policy or a fixed model would have chosen for the queries of a log: π(a | x) as a matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rl_router.errors import DataError
from rl_router.evaluation.off_policy.log import LoggedCall
from rl_router.routers.named import find_router, load_named
from rl_router.routers.router import Router
from rl_router.types import CallStatus, Mode, Query


def target_policy(name: str, calls: Sequence[LoggedCall], models: Sequence[str], cost_weight: float) -> np.ndarray:
    """[n, m] probabilities of the policy `name`: a run of `rl-router train`, a folder that a router was saved in, or a
    model of the log."""
    named, path = find_router(name), Path(name).expanduser()
    if named is not None:
        return router_policy(load_named(named), calls, models, cost_weight)
    if path.is_dir():
        return trained_policy(path, calls, models, cost_weight)
    if name in models:
        return fixed_policy(name, calls, models)
    if any(name in call.arms for call in calls):
        return arm_policy(name, calls, models)
    raise DataError(
        f"There is no router in a folder {name}, and no model or arm of that name in the log; "
        f"name a folder that a router was saved in, or one of {', '.join((*models, *_arms(calls)))}."
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


def arm_policy(arm: str, calls: Sequence[LoggedCall], models: Sequence[str]) -> np.ndarray:
    """[n, m] what this arm decided, by the log itself: it needs no text and no router. `calls` all have the arm."""
    target = np.zeros((len(calls), len(models)))
    target[np.arange(len(calls)), [models.index(call.arms[arm]) for call in calls]] = 1.0
    return target


def router_policy(router: Router, calls: Sequence[LoggedCall], models: Sequence[str], cost_weight: float) -> np.ndarray:
    """[n, m] what `router` decides among the candidates that each query had and that it knows."""
    _check_texts(calls)
    if router.is_cascade:
        raise DataError(
            "A cascade asks several models in turn, and no log of single decisions says what the later ones would have"
            " answered; evaluate it in a suite."
        )
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


def trained_policy(run: Path, calls: Sequence[LoggedCall], models: Sequence[str], cost_weight: float) -> np.ndarray:
    """[n, m] whom the policy of an RL run asks; a row of zeros, which earns and costs nothing, where it asks nobody.

    Only for a policy that decides: what one that orchestrates makes of several replies is in no log.
    """
    from rl_router.evaluation.run.asking import decide_queries

    _check_texts(calls)
    episodes = decide_queries(run, [_query(call) for call in calls], cost_weight)
    if any(episode.mode is not Mode.DECIDE for episode in episodes):
        raise DataError(
            f"The policy in {run} orchestrates: it may ask several models and write the answer itself, and no log of"
            " single decisions says what that would have come to; evaluate it in a suite."
        )
    target = np.zeros((len(calls), len(models)))
    for i, (episode, call) in enumerate(zip(episodes, calls, strict=True)):
        asked = next((made.model for made in episode.calls if made.reply.status is CallStatus.OK), None)
        if asked is not None and asked not in call.candidates:
            raise DataError(
                f"The policy in {run} asks {asked}, which was no candidate for the query {call.query_id!r};"
                " choose a log of the pool that it was trained for."
            )
        if asked is not None:
            target[i, models.index(asked)] = 1.0
    return target


def _arms(calls: Sequence[LoggedCall]) -> list[str]:
    return sorted({arm for call in calls for arm in call.arms})


def _check_texts(calls: Sequence[LoggedCall]) -> None:
    empty = sum(not call.query.strip() for call in calls)
    if empty:
        raise DataError(
            f"{empty} of the {len(calls)} logged queries have no text, so no router can say what it would have chosen;"
            " have the gateway log contents, or name models."
        )


def _by_candidates(calls: Sequence[LoggedCall]) -> dict[tuple[str, ...], list[int]]:
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, call in enumerate(calls):
        rows[call.candidates].append(i)
    return rows


def _query(call: LoggedCall) -> Query:
    return Query(query_id=call.query_id, text=call.query, answers=(), task=call.task or "")
