"""A router that learns: each model has a direction, towards the queries that it answered better than usual."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rl_router.routers.features import Features, dense, make_features
from rl_router.routers.learned import learned
from rl_router.routers.router import Router


@dataclass(kw_only=True)
class Centroid(Router):
    """score_j(q) = the mean score of model j + pull · the cosine of q to its direction."""

    kind: Literal["centroid"] = "centroid"
    features: str = "lsa:64"
    pull: float = 0.5
    features_: Features = learned()
    centres_: np.ndarray = learned("m d")

    def _fit(self, observed):
        self.features_ = make_features(self.features).fit(observed.texts)
        vectors = dense(self.features_(observed.texts))
        centres = np.nan_to_num(observed.scores - observed.mean_scores).T @ vectors
        self.centres_ = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)

    def _scores(self, queries):
        near = dense(self.features_([query.text for query in queries])) @ self.centres_.T
        return self.mean_scores_ + self.pull * near
