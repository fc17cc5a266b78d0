"""Ridge regression in two steps: what kind of task a text looks like, then what the task's means leave unexplained.

Models differ far more between tasks than within one, so the two need different strengths: a weak one finds the task, a
strong one moves a query away from its task's means only for good reasons. Hoerl and Kennard 1970,
doi:10.1080/00401706.1970.10488634.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from rl_router.errors import RecipeError
from rl_router.routers.best_per_task import shrunk_means
from rl_router.routers.features import Features, make_features
from rl_router.routers.learned import learned
from rl_router.routers.linear import ridge
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.routers.task_reader import TaskReader
from rl_router.types import Query


@dataclass(kw_only=True)
class Ridge(Router):
    """score_j(q) = Σ_t p(t | q) s̄_tj + w_j · φ(q), where p(t | q) is read off the text: the query's own task is not.

    s̄_tj is the mean score of model j on task t, as if `prior` more queries had scored its overall mean. p is a ridge
    regression of strength `task_strength` on one indicator per task, cut at 0 and scaled to a sum of 1, and w_j one of
    `strength` on s_ij − s̄_tj. `learn_from` may name another column for the latter, such as a probability of which the
    score is only the sign.
    """

    kind: Literal["ridge"] = "ridge"
    features: str = "tfidf+chars"
    strength: Annotated[float, Field(gt=0.0)] = 10.0
    task_strength: Annotated[float, Field(gt=0.0)] = 1.0
    prior: Annotated[float, Field(ge=0.0)] = 1.0
    learn_from: str = "score"
    features_: Features = learned()
    tasks_: TaskReader = learned()
    task_scores_: np.ndarray = learned("t m")
    weights_: np.ndarray = learned("d m")

    def _fit(self, observed: Observations) -> None:
        self.features_ = make_features(self.features).fit(observed.texts)
        vectors = self.features_(observed.texts)
        self.tasks_ = TaskReader(strength=self.task_strength).fit(vectors, observed.queries)
        members = self.tasks_.members(observed.queries)
        self.task_scores_ = shrunk_means(members, observed.scores, self.mean_scores_, self.prior)
        left = left_by_means(targets_of(observed, self.learn_from), members, self.prior)
        self.weights_ = ridge(vectors, left, self.strength).astype(np.float32)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        vectors = self.features_([query.text for query in queries])
        return np.asarray(self.tasks_.read(vectors) @ self.task_scores_ + vectors @ self.weights_)

    def _restored(self) -> None:
        if len(self.tasks_.tasks_) != len(self.task_scores_):
            raise ValueError("its tasks do not fit its scores")


def targets_of(observed: Observations, column: str) -> np.ndarray:
    """[n, m] the scores or another `column` of the table, NaN where a model was not graded."""
    if column == "score":
        return observed.scores
    if column not in observed.table.frame.columns:
        raise RecipeError(f"expected learn_from to name a column of the table, got {column!r}")
    return observed.table.matrix(column, [query.query_id for query in observed.queries], observed.models)


def left_by_means(targets: np.ndarray, members: np.ndarray, prior: float) -> np.ndarray:
    """[n, m] what the means of each query's task leave of `targets`, tasks being the columns of `members` [n, t].

    0 where a model was not graded: an unknown score pulls no weight.
    """
    return np.nan_to_num(targets - members @ shrunk_means(members, targets, _means(targets), prior))


def _means(targets: np.ndarray) -> np.ndarray:
    """[m] over what is known; the mean of all for a column that is not."""
    unknown = np.isnan(targets).all(axis=0)
    known = np.where(unknown, 0.0, targets)  # no warning for the mean of nothing
    return np.where(unknown, np.nanmean(targets), np.nanmean(known, axis=0))
