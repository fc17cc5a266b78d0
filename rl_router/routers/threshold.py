"""One number per query, its difficulty, and each model's chance as a curve over it.

Where the curves of two models cross (with their prices taken off) lies the threshold between them. The curves are the
two-parameter logistic of item response theory (Birnbaum 1968): P_j(d) = σ(a_j − b_j · d), b_j ≥ 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy.special import expit

from rl_router.routers.features import Features, make_features
from rl_router.routers.learned import learned
from rl_router.routers.linear import curve, ridge
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query


@dataclass(kw_only=True)
class Threshold(Router):
    """Difficulty is a ridge regression, on the text, of how much worse models did on a query than they usually do.

    It is fitted out of fold for the curves, so that they see it as uncertain as it will be on new queries.
    """

    kind: Literal["threshold"] = "threshold"
    features: str = "tfidf"
    ridge: Annotated[float, Field(gt=0.0)] = 1.0
    folds: Annotated[int, Field(ge=2)] = 3
    features_: Features = learned()
    weights_: np.ndarray = learned("d 1")
    curves_: np.ndarray = learned("m 2")  # a, b

    def _fit(self, observed: Observations) -> None:
        self.features_ = make_features(self.features).fit(observed.texts)
        vectors = self.features_(observed.texts)
        target = np.nanmean(self.mean_scores_ - observed.scores, axis=1, keepdims=True)  # [n, 1] above 0: hard
        self.weights_ = ridge(vectors, target, self.ridge)
        fold = np.arange(len(target)) % self.folds
        difficulty = np.zeros(len(target))
        for k in range(min(self.folds, len(target))):
            rest = fold != k
            weights = ridge(vectors[rest], target[rest], self.ridge) if rest.any() else self.weights_
            difficulty[~rest] = (vectors[~rest] @ weights)[:, 0]
        self.curves_ = np.array([curve(difficulty, observed.scores[:, j]) for j in range(len(self.models_))])

    def difficulty(self, queries: Sequence[Query]) -> np.ndarray:
        """[n] 0: as hard as the mean of the table; above it harder, in units of quality lost by the mean model."""
        return np.asarray(self.features_([query.text for query in queries]) @ self.weights_)[:, 0]

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        return np.asarray(expit(self.curves_[:, 0] - self.curves_[:, 1] * self.difficulty(queries)[:, None]))
