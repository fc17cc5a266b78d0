"""The means of a query's task, and as much of what its words say as held-out queries of that task bear out.

Within a task the best model is often so far ahead that words rarely tell when another does better, and a regression
that believes them loses. So each task says itself how far they are believed: stacking (Wolpert 1992, Breiman 1996) on
top of the task's means, partially pooled over the tasks (Gelman and Hill 2007, chapter 12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from scipy.optimize import nnls

from rl_router.routers.best_per_task import shrunk_means
from rl_router.routers.features import Features, make_features
from rl_router.routers.learned import learned
from rl_router.routers.linear import ridges
from rl_router.routers.observations import Observations
from rl_router.routers.ridge import left_by_means, targets_of
from rl_router.routers.router import Router
from rl_router.routers.seeded import uniform
from rl_router.routers.task_reader import TaskReader
from rl_router.types import Query


@dataclass(kw_only=True)
class Hierarchical(Router):
    """score_j(q) = Σ_t p(t | q) (s̄_tj + Σ_k c_tk w_kj · φ(q)).

    p(t | q) is 1 for the task that q names; where the table has no such task it is read off the text. w_k is the ridge
    regression of strength k, over all tasks, on what the tasks' means leave of the scores (or of `learn_from`, another
    column). c_tk ≥ 0 is how far task t believes it: the least squares of what s̄_t leaves on the predictions of a w_k
    that saw none of those queries, as if `borrowed` more queries had agreed with all tasks together. Only differences
    between models count there: what all of them find hard decides nothing.
    """

    kind: Literal["hierarchical"] = "hierarchical"
    features: str = "tfidf+chars"
    strengths: Annotated[tuple[Annotated[float, Field(gt=0.0)], ...], Field(min_length=1)] = (3.0, 10.0, 30.0)
    task_strength: Annotated[float, Field(gt=0.0)] = 1.0
    prior: Annotated[float, Field(ge=0.0)] = 1.0
    borrowed: Annotated[float, Field(gt=0.0)] = 200.0
    folds: Annotated[int, Field(ge=2)] = 4
    learn_from: str = "score"
    features_: Features = learned()
    tasks_: TaskReader = learned()
    task_scores_: np.ndarray = learned("t m")
    weights_: np.ndarray = learned("k d m")
    belief_: np.ndarray = learned("t k")

    def _fit(self, observed: Observations) -> None:
        self.features_ = make_features(self.features).fit(observed.texts)
        vectors = self.features_(observed.texts)
        self.tasks_ = TaskReader(strength=self.task_strength).fit(vectors, observed.queries)
        members = self.tasks_.members(observed.queries)
        self.task_scores_ = shrunk_means(members, observed.scores, self.mean_scores_, self.prior)
        targets = targets_of(observed, self.learn_from)
        self.weights_ = self._weights(vectors, targets, members)
        self.belief_ = self._belief(observed, vectors, targets, members)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        vectors = self.features_([query.text for query in queries])
        tasks = self.tasks_.named_or_read(queries, vectors)  # [n, t]
        believed = tasks @ self.belief_  # [n, k]
        said = sum(believed[:, [k]] * (vectors @ weights) for k, weights in enumerate(self.weights_))
        return np.asarray(tasks @ self.task_scores_ + said)

    def _weights(self, vectors: Any, targets: np.ndarray, members: np.ndarray) -> np.ndarray:
        """[k, d, m]"""
        left = left_by_means(targets, members, self.prior)
        return ridges(vectors, left, self.strengths).astype(np.float32)

    def _belief(self, observed: Observations, vectors: Any, targets: np.ndarray, members: np.ndarray) -> np.ndarray:
        """[t, k] from regressions fitted without the queries that they are asked; equal texts are asked together."""
        fold = np.array([int(uniform(0, "fold", text) * self.folds) for text in observed.texts])
        said = np.zeros((len(self.strengths), *targets.shape))  # [k, n, m]
        left = np.full(targets.shape, np.nan)
        for asked in (fold == f for f in np.unique(fold)):
            rest = ~asked
            if not rest.any():
                break
            said[:, asked] = np.stack(
                [vectors[asked] @ weights for weights in self._weights(vectors[rest], targets[rest], members[rest])]
            )
            means = shrunk_means(members[rest], observed.scores[rest], self.mean_scores_, self.prior)
            left[asked] = observed.scores[asked] - members[asked] @ means
        return believed(said, left, members, self.borrowed)

    def _restored(self) -> None:
        if len(self.tasks_.tasks_) != len(self.task_scores_) or len(self.weights_) != len(self.strengths):
            raise ValueError("its tasks and strengths do not fit its scores and weights")


def believed(said: np.ndarray, left: np.ndarray, members: np.ndarray, borrowed: float) -> np.ndarray:
    """[t, k] weights ≥ 0 of the predictions `said` [k, n, m] for `left` [n, m], NaN where unknown, for each task of
    `members` [n, t]. Of each query only the differences between its known models count."""
    known = ~np.isnan(left)
    truth = _differences(np.nan_to_num(left), known)  # [n, m]
    shown = np.stack([_differences(part, known) for part in said], axis=-1)  # [n, m, k]
    pooled, _ = nnls(shown.reshape(-1, len(said)), truth.ravel())
    squares = np.einsum("nmk,nml->kl", shown, shown) * borrowed / max(len(left), 1)
    pull = np.linalg.cholesky(squares + 1e-12 * np.eye(len(said))).T  # |pull (c − pooled)|² is the borrowed queries'
    rows = []
    for task in members.T:
        own = task > 0
        design = np.vstack([shown[own].reshape(-1, len(said)), pull])
        rows.append(nnls(design, np.concatenate([truth[own].ravel(), pull @ pooled]))[0])
    return np.array(rows)


def _differences(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """[n, m] less the mean of the known ones of each row; 0 where unknown."""
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    means = np.where(known, values, 0.0).sum(axis=1, keepdims=True) / count
    return np.where(known, values - means, 0.0)
