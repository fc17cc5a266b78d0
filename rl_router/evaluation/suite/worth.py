"""What a router is worth over all its settings: one row per router, next to the single models of its pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_router.evaluation.metrics.arena import arena_score
from rl_router.evaluation.metrics.calibration import (
    ReliabilityBin,
    cost_calibration,
    expected_calibration_error,
    reliability,
)
from rl_router.evaluation.metrics.frontier import aiq, dominated
from rl_router.evaluation.metrics.oracle import gap_closed, regret
from rl_router.evaluation.metrics.selection import known_mean
from rl_router.evaluation.metrics.tradeoff import cost_save, pareto_dist, perf_gain
from rl_router.evaluation.suite.results import Board, Column
from rl_router.evaluation.suite.verdicts import REFERENCE

ORACLE = "oracle"


@dataclass(frozen=True, kw_only=True)
class Worth:
    """Of one router. None where it cannot be known, such as anything in USD on a table without costs.

    `aiq` is over the costs between the cheapest and the dearest single model; `arena` is the best of its settings;
    `gap_closed` and `regret` are in quality at the least cost weight, the former None where the gap itself may be
    noise; `dominated` of `settings` operating points a
    single model is as good and as cheap as. `perf_gain`, `cost_save` and `pareto_dist` are LLMRouterBench's, against
    the best single model picked on the fit side. `ece` is of the predicted quality of the chosen models, `cost_bias`
    the predicted bill over the paid one.
    """

    router: str
    block: str
    settings: int
    aiq: float | None
    arena: float | None
    gap_closed: float | None
    gap_closed_se: float | None
    regret: float | None
    dominated: int | None
    perf_gain: float | None
    cost_save: float | None
    pareto_dist: float | None
    ece: float | None
    cost_bias: float | None
    cost_error: float | None
    traffic: dict[str, float]
    """The share of calls that each model had, over all settings."""
    reliability: tuple[ReliabilityBin, ...]


def worth_of(board: Board, router: str) -> Worth:
    columns = board.columns[router]
    cost, quality = _means(columns)
    predicted = np.concatenate([column["predicted_quality"].ravel() for column in columns])
    observed = np.concatenate([column["quality"].ravel() for column in columns])
    bill = cost_calibration(
        np.concatenate([column["predicted_cost_usd"].ravel() for column in columns]),
        np.concatenate([column["cost_usd"].ravel() for column in columns]),
    )
    models: dict[str, float] = {}
    for column in columns:
        for model, share in column.traffic.items():
            models[model] = models.get(model, 0.0) + share / len(columns)
    return Worth(
        router=router,
        block=columns[0].block.value,
        settings=len(columns),
        arena=_known(max((arena_score(q, 1000 * c) for q, c in zip(quality, cost, strict=True)), default=np.nan)),
        ece=_known(expected_calibration_error(predicted, observed)),
        cost_bias=_known(bill.bias),
        cost_error=_known(bill.relative_error),
        traffic=dict(sorted(models.items(), key=lambda pair: -pair[1])),
        reliability=reliability(predicted, observed),
        **_against_oracle(board, columns[0]),
        **_against_models(board, router, cost, quality),
    )


def _means(columns: tuple[Column, ...]) -> tuple[np.ndarray, np.ndarray]:
    """[w] mean cost in USD and [w] mean quality of each setting."""
    return tuple(np.array([float(known_mean(c[name])) for c in columns]) for name in ("cost_usd", "quality"))  # type: ignore[return-value]


def _against_oracle(board: Board, column: Column) -> dict[str, Any]:
    if ORACLE not in board.columns or REFERENCE not in board.columns:
        return {"gap_closed": None, "gap_closed_se": None, "regret": None}
    ceiling, start = board.columns[ORACLE][0]["quality"][0], board.columns[REFERENCE][0]["quality"][0]
    mine = column["quality"].mean(axis=0)
    closed = gap_closed(mine, start, ceiling)
    return {
        "gap_closed": _known(closed.value),
        "gap_closed_se": _known(closed.se),
        "regret": _known(float(known_mean(regret(mine, ceiling)))),
    }


def _against_models(board: Board, router: str, cost: np.ndarray, quality: np.ndarray) -> dict[str, Any]:
    singles = [_means(board.columns[model]) for model in board.models]
    names = ("aiq", "dominated", "perf_gain", "cost_save", "pareto_dist")
    if not singles or np.isnan(cost).any() or np.isnan(quality).any():
        return dict.fromkeys(names)
    model_cost = np.concatenate([c for c, _ in singles])
    model_quality = np.concatenate([q for _, q in singles])
    if np.isnan(model_cost).any():
        return dict.fromkeys(names)
    single_cost, single_quality = (values[0] for values in _means(board.columns[REFERENCE]))
    every = [_means(columns) for name, columns in board.columns.items() if name != ORACLE]
    low, high = float(model_cost.min()), float(model_cost.max())
    found = (
        aiq(cost, quality, low_usd=low, high_usd=high) if low < high else np.nan,  # else there is no range of costs
        int(dominated(cost, quality, model_cost, model_quality).sum()),
        perf_gain(quality, single_quality),
        cost_save(cost, quality, single_cost_usd=single_cost, single_quality=single_quality),
        pareto_dist(cost, quality, np.concatenate([c for c, _ in every]), np.concatenate([q for _, q in every])),
    )
    known = {name: _known(value) for name, value in zip(names, found, strict=True)}
    return known if router != ORACLE else known | {"pareto_dist": None}  # it is beyond the front that routers make


def _known(value: float) -> Any:
    return value if np.isfinite(value) else None
