"""kNN for each user: what everybody thinks of a model, and by how much this user thinks otherwise on like queries."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from rl_router.data.table import RoutingTable
from rl_router.routers.ensemble import AnyRouter
from rl_router.routers.features import Features, Vectors, make_features
from rl_router.routers.knn import Knn
from rl_router.routers.learned import learned
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.routers.users import check_known, places, users_in, users_of
from rl_router.types import Query


@dataclass(kw_only=True)
class UserKnn(Router):
    """score_j(u, q) = base_j(q) + Σ_i k(q, q_i) (r_i − base_j(q_i)) / (Σ_i k(q, q_i) + prior), over u's ratings of j.

    k is the cosine, but `least` at least: what a user thinks of a model on other matters says something too.
    """

    kind: Literal["user_knn"] = "user_knn"
    base: AnyRouter = field(default_factory=Knn)
    features: str = "tfidf"
    prior: Annotated[float, Field(gt=0.0)] = 4.0
    least: Annotated[float, Field(ge=0.0, le=1.0)] = 0.2
    base_: Router = learned()
    features_: Features = learned()
    users_: tuple[str, ...] = learned()
    user_of_: np.ndarray = learned("n")  # a place in users_
    vectors_: Vectors = learned("n d")
    surprises_: np.ndarray = learned("n m", unknown=True)  # r − base

    def _fit(self, observed: Observations) -> None:
        self.base_ = deepcopy(self.base).fit_observed(observed)
        self.features_ = make_features(self.features).fit(observed.texts)
        self.users_, self.user_of_, self.vectors_, self.surprises_ = self._rated(observed)

    def joined(self, table: RoutingTable) -> Self:
        """A router that also knows the ratings of `table`, without fitting. UnknownModelError for a new model."""
        self._check_fitted()
        observed = Observations.of(table)
        check_known(observed, self.models_)
        other = self.copied()
        names, user_of, vectors, surprises = self._rated(observed)
        other.users_ = tuple(sorted({*self.users_, *names}))
        mine, theirs = (places(users, other.users_) for users in (self.users_, names))
        other.user_of_ = np.concatenate([mine[self.user_of_], theirs[user_of]])
        stack = sparse.vstack if sparse.issparse(vectors) else np.vstack
        other.vectors_ = stack([self.vectors_, vectors])
        other.surprises_ = np.vstack([self.surprises_, surprises])
        return other

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        scores, place = self.base_.scores(queries), users_of(queries, self.users_)
        vectors = self.features_([query.text for query in queries])
        for u in np.unique(place[place >= 0]):
            asked, own = np.flatnonzero(place == u), np.flatnonzero(self.user_of_ == u)
            scores[asked] += self._own(vectors[asked], own)
        return scores

    def _own(self, vectors: Any, rows: np.ndarray) -> np.ndarray:
        """[q, m] by how much the user of these rows thinks otherwise."""
        cosine = vectors @ self.vectors_[rows].T
        near = np.maximum(cosine.toarray() if sparse.issparse(cosine) else cosine, self.least)  # [q, r]
        surprises = self.surprises_[rows]
        known = ~np.isnan(surprises)
        return np.asarray((near @ np.nan_to_num(surprises)) / (near @ known + self.prior))

    def _rated(self, observed: Observations) -> tuple[tuple[str, ...], np.ndarray, Any, np.ndarray]:
        """(users, [n] whose, [n, d], [n, m]) of the queries that somebody asked."""
        users, whose = users_in(observed)
        rows = np.flatnonzero(whose >= 0)
        columns = [self.models_.index(model) for model in observed.models]
        surprises = np.full((len(rows), len(self.models_)), np.nan)
        vectors = self.features_([observed.texts[i] for i in rows])
        if len(rows):
            base = self.base_.scores([observed.queries[i] for i in rows])
            surprises[:, columns] = observed.scores[rows] - base[:, columns]
        return users, whose[rows], vectors, surprises

    def _restored(self) -> None:
        if self.base_.models_ != self.models_ or self.vectors_.shape[1] != self.features_.size:
            raise ValueError("its base or its features do not fit")
        if not np.isin(self.user_of_, np.arange(len(self.users_))).all():
            raise ValueError("a rating belongs to no user")
