"""What routing could gain on held-out queries: between asking any model and always the right one.

The best single model and the best model per task are picked on the queries for fitting; the oracle sees the answers
and takes the cheapest of the best.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rl_router.data.checks.repeats import leaked_ids
from rl_router.data.checks.splits import fit_splits
from rl_router.data.table import RoutingTable
from rl_router.types import Query


@dataclass(frozen=True, kw_only=True)
class Level:
    """One way to choose: mean score over queries, mean of the tasks' means, and USD per query where known."""

    name: str
    score: float
    score_by_task: float
    cost_usd: float | None
    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class Headroom:
    """`models` are those graded on every query; the others are left out. Without splits for fitting, `fitted` is ()
    and choices are made in hindsight."""

    split: str
    queries: int
    leaked_left_out: int
    fitted: tuple[str, ...]
    models: tuple[str, ...]
    levels: tuple[Level, ...]


def headrooms(table: RoutingTable) -> list[Headroom]:
    """One for each held-out split, and one more without its leaked queries where it has some."""
    splits = table.frame["split"].unique(maintain_order=True).to_list()
    fitted = fit_splits(splits)
    found: list[Headroom] = []
    for split in [split for split in splits if split not in fitted] or splits:
        leaked = leaked_ids(table.frame, split, [other for other in fitted if other != split])
        for left_out in ([], leaked) if leaked else ([],):
            room = _headroom(table, split, fitted, set(left_out))
            found += [room] if room else []
    return found


def _headroom(table: RoutingTable, split: str, fitted: list[str], left_out: set[str]) -> Headroom | None:
    held_out = [q for q in table.queries(split) if q.query_id not in left_out]
    learned = [q for name in fitted for q in table.queries(name)] or held_out
    models = _graded_everywhere(table, [*learned, *held_out])
    if len(models) < 2 or not held_out:
        return None
    choices = _choices(table, models, learned, held_out)
    return Headroom(
        split=split,
        queries=len(held_out),
        leaked_left_out=len(left_out),
        fitted=tuple(fitted),
        models=models,
        levels=choices,
    )


def _graded_everywhere(table: RoutingTable, queries: list[Query]) -> tuple[str, ...]:
    scores = table.matrix("score", [q.query_id for q in queries])
    return tuple(m for m, known in zip(table.models, ~np.isnan(scores).any(axis=0), strict=True) if known)


def _choices(
    table: RoutingTable, models: tuple[str, ...], learned: list[Query], held_out: list[Query]
) -> tuple[Level, ...]:
    ids, tasks = [q.query_id for q in held_out], np.array([q.task for q in held_out])
    scores, costs = (table.matrix(column, ids, models) for column in ("score", "cost_usd"))  # [n, m]
    fit_scores = table.matrix("score", [q.query_id for q in learned], models)
    fit_tasks = np.array([q.task for q in learned])
    best = int(fit_scores.mean(axis=0).argmax())
    per_task = {task: int(fit_scores[fit_tasks == task].mean(axis=0).argmax()) for task in np.unique(fit_tasks)}
    picked = np.array([per_task.get(task, best) for task in tasks])
    top = scores >= scores.max(axis=1, keepdims=True)
    cheapest_right = np.where(top, np.where(np.isnan(costs), np.inf, costs), np.inf).argmin(axis=1)
    oracle = np.where(np.isnan(costs).any(), top.argmax(axis=1), cheapest_right)
    rows = np.arange(len(ids))

    def level(name: str, choice: np.ndarray, model: str | None = None) -> Level:
        return _level(name, scores[rows, choice], costs[rows, choice], tasks, model)

    return (
        _level("random", scores.mean(axis=1), costs.mean(axis=1), tasks),
        level("best single", np.full(len(ids), best), models[best]),
        _hindsight([level("", np.full(len(ids), j), model) for j, model in enumerate(models)]),
        level("best per task", picked),
        level("oracle", oracle),
    )


def _hindsight(levels: list[Level]) -> Level:
    """The model with the best mean, beside the best mean by task, which may be another's."""
    best = max(levels, key=lambda level: level.score)
    by_task = max(level.score_by_task for level in levels)
    return replace(best, name="best single in hindsight", score_by_task=by_task)


def _level(name: str, scores: np.ndarray, costs: np.ndarray, tasks: np.ndarray, model: str | None = None) -> Level:
    return Level(
        name=name,
        score=float(scores.mean()),
        score_by_task=float(np.mean([scores[tasks == task].mean() for task in np.unique(tasks)])),
        cost_usd=None if np.isnan(costs).any() else float(costs.mean()),
        model=model,
    )
