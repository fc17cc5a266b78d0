"""k nearest neighbours: a model's predicted quality is the mean of its scores on the most similar queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from rl_router.routers.features import Features, Vectors, make_features
from rl_router.routers.index import Index
from rl_router.routers.learned import learned
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query

SAME = 1e-6
"""Similarities this near are equal: all queries as similar as the k-th are its neighbours too."""
GROUP = 16
"""Queries of which only the most similar one is looked at first."""


@dataclass(kw_only=True)
class Knn(Router):
    """score_j(q) = (Σ w_i s_ij + p · s̄_j) / (Σ w_i + p) over the k nearest graded queries i of the table.

    s̄_j is the mean score of model j, p is `prior`, and the weight w_i is 1 or, with a `temperature` t, that of a
    softmax: exp((cos_i − cos_1) / t), where cos_1 is the nearest. A score that is unknown takes no part. The search is
    exact: one blocked product with every query of the table.
    """

    kind: Literal["knn"] = "knn"
    features: str = "tfidf"
    k: Annotated[int, Field(ge=1)] = 50
    temperature: Annotated[float, Field(gt=0.0)] | None = None
    prior: Annotated[float, Field(ge=0.0)] = 1.0
    features_: Features = learned()
    vectors_: Vectors = learned("n d")
    scores_: np.ndarray = learned("n m", unknown=True)

    def _fit(self, observed: Observations) -> None:
        self.features_ = make_features(self.features).fit(observed.texts)
        self.vectors_ = self.features_(observed.texts)
        self.scores_ = observed.scores.astype(np.float32)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        vectors = self.features_([query.text for query in queries])
        blocks = self._index.similarities(vectors)
        return np.stack([self._vote(similarity) for block in blocks for similarity in block])

    def _vote(self, similarity: np.ndarray) -> np.ndarray:
        """[n] similarities to [m] scores."""
        near = nearest(similarity, self.k)
        weights = np.ones(len(near))
        if self.temperature is not None:
            weights = np.exp((similarity[near] - similarity.max()) / self.temperature)
        prior = self.prior or 1e-9  # no neighbour with a known score: the mean, not 0 / 0
        total = weights @ self._known_scores[near] + prior * self.mean_scores_
        return np.asarray(total / (weights @ self._known[near] + prior))

    @cached_property
    def _index(self) -> Index:
        return Index.of(self.vectors_)

    @cached_property
    def _known(self) -> np.ndarray:
        return (~np.isnan(self.scores_)).astype(np.float64)

    @cached_property
    def _known_scores(self) -> np.ndarray:
        return np.nan_to_num(self.scores_).astype(np.float64)


def nearest(similarity: np.ndarray, k: int) -> np.ndarray:
    """The columns of the k most similar of [n], and of any other that is as similar as the k-th.

    What is not similar at all is no neighbour: an unheard-of text has none. The k-th of the most similar ones of every
    group is no more similar than the k-th of all, so what lies below it is left out before anything is sorted.
    """
    groups, least = len(similarity) // GROUP, SAME
    if groups >= k:
        firsts = similarity[: GROUP * groups].reshape(GROUP, groups).max(axis=0)
        least = max(_kth(firsts, k) - SAME, SAME)
    columns = np.flatnonzero(similarity >= least)
    if len(columns) <= k:
        return columns
    found = similarity[columns]
    return columns[found >= _kth(found, k) - SAME]


def _kth(values: np.ndarray, k: int) -> float:
    """The k-th largest."""
    return float(np.partition(values, len(values) - k)[len(values) - k])
