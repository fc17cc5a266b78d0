"""Clusters of queries, each with the mean score of every model there: the router of Avengers-Pro.

Zhang et al. 2025, "Beyond GPT-5: Making LLMs Cheaper and Better via Performance–Efficiency Optimized Routing",
https://arxiv.org/abs/2508.12631. The paper weighs performance against efficiency with α inside each cluster; here the
cost weight does that, on the predicted cost of the query itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from sklearn.cluster import MiniBatchKMeans

from rl_router.routers.best_per_task import shrunk_means
from rl_router.routers.features import Features, dense, make_features
from rl_router.routers.learned import learned
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query


@dataclass(kw_only=True)
class Cluster(Router):
    """score_j(q) = Σ_c p(c | q) s̄_cj over the `nearest` cluster centres c, where p is a softmax of their cosines.

    s̄_cj is the mean score of model j on the queries of cluster c, as if `prior` more had scored its overall mean.
    """

    kind: Literal["cluster"] = "cluster"
    features: str = "lsa:256"
    clusters: Annotated[int, Field(ge=1)] = 60
    nearest: Annotated[int, Field(ge=1)] = 3
    temperature: Annotated[float, Field(gt=0.0)] = 0.1
    prior: Annotated[float, Field(ge=0.0)] = 5.0
    seed: int = 0
    features_: Features = learned()
    centres_: np.ndarray = learned("c d")
    cluster_scores_: np.ndarray = learned("c m")

    def _fit(self, observed: Observations) -> None:
        self.features_ = make_features(self.features).fit(observed.texts)
        vectors = dense(self.features_(observed.texts))
        count = min(self.clusters, len(np.unique(vectors, axis=0)))
        found = MiniBatchKMeans(count, random_state=self.seed, n_init=3, batch_size=4096).fit(vectors)
        centres = found.cluster_centers_.astype(np.float32)
        self.centres_ = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
        members = np.eye(count)[(vectors @ self.centres_.T).argmax(axis=1)]  # [n, c]
        self.cluster_scores_ = shrunk_means(members, observed.scores, self.mean_scores_, self.prior)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        similarity = dense(self.features_([query.text for query in queries])) @ self.centres_.T  # [n, c]
        far = np.argsort(-similarity, axis=1, kind="stable")[:, self.nearest :]
        weights = np.exp((similarity - similarity.max(axis=1, keepdims=True)) / self.temperature)
        np.put_along_axis(weights, far, 0.0, axis=1)
        return np.asarray(weights @ self.cluster_scores_ / weights.sum(axis=1, keepdims=True))
