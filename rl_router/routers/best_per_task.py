"""The best model for each task: a table of mean scores, looked up by the task that a query says it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from rl_router.routers.learned import learned
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query


@dataclass(kw_only=True)
class BestPerTask(Router):
    """score_j(q) = (Σ s_ij + p · s̄_j) / (n + p) over the n graded queries i of q's task, and s̄_j for a task unheard of.

    It reads `Query.task` and not the text, so it is a baseline for tables that name their tasks.
    """

    kind: Literal["best_per_task"] = "best_per_task"
    prior: Annotated[float, Field(ge=0.0)] = 1.0
    tasks_: tuple[str, ...] = learned()
    task_scores_: np.ndarray = learned("t m")

    def _fit(self, observed: Observations) -> None:
        self.tasks_ = tuple(sorted({query.task for query in observed.queries}))
        rows = [self.tasks_.index(query.task) for query in observed.queries]
        members = np.eye(len(self.tasks_))[rows]  # [n, t]
        self.task_scores_ = shrunk_means(members, observed.scores, self.mean_scores_, self.prior)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        index = {task: i for i, task in enumerate(self.tasks_)}
        table = np.vstack([self.task_scores_, self.mean_scores_])  # [t + 1, m]
        return table[[index.get(query.task, len(self.tasks_)) for query in queries]]

    def _restored(self) -> None:
        if len(set(self.tasks_)) != len(self.task_scores_):
            raise ValueError("its tasks do not fit its scores")


def shrunk_means(members: np.ndarray, scores: np.ndarray, means: np.ndarray, prior: float) -> np.ndarray:
    """[g, m] mean of `scores` [n, m] in each group of `members` [n, g], as if `prior` more queries had scored `means`.

    NaN scores take no part; a group in which a model was never graded has the model's mean.
    """
    known = ~np.isnan(scores)
    prior = prior or 1e-9
    sums = members.T @ np.where(known, scores, 0.0)
    return np.asarray((sums + prior * means) / (members.T @ known.astype(np.float64) + prior))
