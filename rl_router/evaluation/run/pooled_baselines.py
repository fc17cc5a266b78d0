"""The baselines where every question has a pool of its own: each picks among the models that the question may ask.

For single routes (decide mode). Whatever is fitted is fitted on training questions, over all models of the task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from rl_router.episode.rewards import Reward
from rl_router.episode.task import Task
from rl_router.errors import RecipeError
from rl_router.evaluation.run.baselines import cell_of
from rl_router.evaluation.run.results import Outcome
from rl_router.evaluation.run.strategies import Strategy, play
from rl_router.types import Mode, Query

FIT_QUESTIONS = 1500


class PooledBaselines:
    """`pools` maps a query's id to the models that it may ask."""

    def __init__(self, task: Task, queries: Sequence[Query], pools: Mapping[str, Sequence[str]]) -> None:
        if task.mode is not Mode.DECIDE:
            raise RecipeError("pools that are drawn per sample have baselines in task.mode=decide alone")
        self.task, self.queries, self.names = task, tuple(queries), task.pool.names
        self.fit_queries = task.train[:FIT_QUESTIONS]
        self.allowed = np.array([[name in pools[q.query_id] for name in self.names] for q in queries])  # [n, m]
        self.quality, self.cost_usd = _asked(task, self.queries)  # [n, m]
        self.fit_quality, self.fit_cost_usd = _asked(task, self.fit_queries)

    def outcomes(self, reward: Reward, cost_weight: float, cost_weights: Sequence[float]) -> dict[str, list[Outcome]]:
        """One outcome per query and baseline. `cost_weights` are those that the blind table is fitted over."""
        fitted = self._rewards(reward, cost_weight, self.fit_quality, self.fit_cost_usd)  # [fit, m]
        blind = np.mean([self._rewards(reward, w, self.fit_quality, self.fit_cost_usd) for w in cost_weights], axis=0)
        earned = self._rewards(reward, cost_weight, self.quality, self.cost_usd)  # [n, m]
        chance = np.array([[Random(f"{q.query_id} {name}").random() for name in self.names] for q in self.queries])
        scores = {
            "cheapest": self._everywhere(-self.fit_cost_usd.mean(axis=0)),
            "strongest": self._everywhere(self.fit_quality.mean(axis=0)),
            "random": chance,
            "best_single": self._everywhere(fitted.mean(axis=0)),
            "best_table_blind": self.by_cell(blind),
            "best_table": self.by_cell(fitted),
            "oracle": earned,
        }
        return {name: self._follow(values, earned) for name, values in scores.items()}

    def by_cell(self, values: np.ndarray) -> np.ndarray:
        """[fit, m] -> [n, m] means over the fit queries of the same task and difficulty."""
        cells = [cell_of(q) for q in self.fit_queries]
        means = {cell: values[[c == cell for c in cells]].mean(axis=0) for cell in set(cells)}
        return np.array([means.get(cell_of(q), values.mean(axis=0)) for q in self.queries])

    def rewards(self, reward: Reward, cost_weight: float) -> np.ndarray:
        """[n, m] what asking each model earns on the queries."""
        return self._rewards(reward, cost_weight, self.quality, self.cost_usd)

    def fitted(self, reward: Reward, cost_weight: float) -> np.ndarray:
        """[n, m] what asking each model earns on training questions of the same task and difficulty."""
        return self.by_cell(self._rewards(reward, cost_weight, self.fit_quality, self.fit_cost_usd))

    def _everywhere(self, means: np.ndarray) -> np.ndarray:
        return np.broadcast_to(means, self.allowed.shape)

    def _rewards(self, reward: Any, cost_weight: float, quality: np.ndarray, cost_usd: np.ndarray) -> np.ndarray:
        fresh = replace(reward)
        worth: Callable[[float, float], float] = lambda q, usd: sum(  # noqa: E731
            fresh.terms(
                quality=q,
                cost_usd=usd,
                cost_weight=cost_weight,
                format_ok=True,
                cost_reference_usd=self.task.cost_reference_usd,
            ).values()
        )
        return np.array([[worth(float(q), float(c)) for q, c in zip(*row, strict=True)] for row in
                         zip(quality, cost_usd, strict=True)])  # fmt: skip

    def _follow(self, scores: np.ndarray, earned: np.ndarray) -> list[Outcome]:
        chosen = np.where(self.allowed, scores, -np.inf).argmax(axis=1)  # [n]
        return [
            Outcome(
                query_id=query.query_id,
                task=query.task,
                quality=float(self.quality[i, j]),
                cost_usd=float(self.cost_usd[i, j]),
                calls=1,
                format_ok=True,
                reward=float(earned[i, j]),
                models=(self.names[j],),
            )
            for i, (query, j) in enumerate(zip(self.queries, chosen, strict=True))
        ]


def _asked(task: Task, queries: Sequence[Query]) -> tuple[np.ndarray, np.ndarray]:
    """[n, m] quality and cost of every model on every query, charged to nobody."""
    singles = tuple(Strategy((name,)) for name in task.pool.names)
    trials = [play(task, query, singles) for query in queries]
    quality = np.array([[0.0 if t.quality is None else t.quality for t in row] for row in trials])
    return quality, np.array([[t.cost_usd for t in row] for row in trials])
