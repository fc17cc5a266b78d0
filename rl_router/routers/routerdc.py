"""RouterDC: queries and models in one space, where a query lies near the models that answer it well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from rl_router.routers.features import Features
from rl_router.routers.learned import learned
from rl_router.routers.networks.calibration import fit_sigmoid
from rl_router.routers.networks.inputs import check_shapes, dense_features
from rl_router.routers.networks.layers import Arrays, as_float64, dense, new_dense, relu, sigmoid, unit
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query

CLUSTERED = 20_000
"""How many queries k-means looks at; their centres then sort all of them."""


@dataclass(kw_only=True)
class RouterDc(Router):
    """s_j(q) = cos(h(q), k_j) / temperature, with h learned on top of `features` and a vector k_j per model.

    RouterDC (arXiv 2409.19886): L = L_sample–LLM + `task_weight` · L_task + `cluster_weight` · L_cluster, equations 3,
    4 and 5. The first pulls a query to its `positives` best models and away from its `negatives` worst; the other two
    pull it to a query of its own task, or of its own k-means cluster, and away from `strangers` of others. The paper
    tunes mDeBERTa-v3-base: features=tune:microsoft/mdeberta-v3-base does. Other features stay as they are.

    Contrast orders models and predicts no score. sigmoid(a · s + b), fitted on the table with one a > 0 and b for all
    models, makes it one and keeps their order.
    """

    kind: Literal["routerdc"] = "routerdc"
    features: str = "lsa:256"
    width: Annotated[int, Field(ge=2)] = 128
    temperature: Annotated[float, Field(gt=0.0)] = 0.2
    positives: Annotated[int, Field(ge=1)] = 3
    negatives: Annotated[int, Field(ge=1)] = 3
    strangers: Annotated[int, Field(ge=1)] = 3
    task_weight: Annotated[float, Field(ge=0.0)] = 0.0
    cluster_weight: Annotated[float, Field(ge=0.0)] = 1.0
    clusters: Annotated[int, Field(ge=2)] = 5
    training: Schedule = Schedule()
    seed: int = 0
    features_: Features = learned()
    network_: dict[str, np.ndarray] = learned("*")
    slope_: float = learned()
    height_: float = learned()

    def _fit(self, observed: Observations) -> None:
        from rl_router.routers.networks.losses import group_contrast, model_contrast
        from rl_router.routers.networks.training import Reader, dropout, groups, numbers, tensors, train, values

        self.features_ = dense_features(self.features, observed.texts)
        network = tensors(self._new_network(self.features_.size))
        read, scores = Reader(self.features_, observed.texts), values(observed.scores)
        tasks = groups([query.task for query in observed.queries])
        clusters = groups(cluster(self.features_(observed.texts), self.clusters, self.seed))

        def loss(rows: Any, learning: bool) -> Any:
            queries = embed(network, read(rows, learning), dropout(0.1, learning))
            similarity = queries @ unit(network["models"]).T / self.temperature
            total = model_contrast(similarity, scores[rows], positives=self.positives, negatives=self.negatives)
            for weight, group in ((self.task_weight, tasks), (self.cluster_weight, clusters)):
                if weight:
                    total = total + weight * group_contrast(queries, group[rows], negatives=self.strangers)
            return total

        train(network | read.parameters, loss, len(scores), self.training, self.seed, "routerdc")
        self.network_ = numbers(network)
        self.slope_, self.height_ = fit_sigmoid(self._similarity(self.features_(observed.texts)), observed.scores)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        similarity = self._similarity(self.features_([query.text for query in queries]))
        return sigmoid(self.slope_ * similarity + self.height_)

    def _similarity(self, vectors: np.ndarray) -> np.ndarray:
        """[n, d] to [n, m] s_j(q)."""
        return embed(self._network, vectors) @ unit(self._network["models"]).T / self.temperature

    @cached_property
    def _network(self) -> Arrays:
        return as_float64(self.network_)

    def _new_network(self, dim: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        network = new_dense("hidden", dim, self.width, rng) | new_dense("out", self.width, self.width, rng)
        network["models"] = rng.normal(size=(len(self.models_), self.width)).astype(np.float32)
        return network

    def _restored(self) -> None:
        check_shapes(self.network_, self._new_network(self.features_.size))


def embed(network: Arrays, x: Any, drop: Any = lambda states: states) -> Any:
    """[n, d] to [n, w] rows of length one."""
    return unit(dense(network, "out", drop(relu(dense(network, "hidden", x)))))


def cluster(vectors: np.ndarray, clusters: int, seed: int) -> list[int]:
    """The k-means cluster of each vector [n, d]; fewer where there are fewer vectors."""
    from sklearn.cluster import KMeans

    sample = np.random.default_rng(seed).permutation(len(vectors))[:CLUSTERED]
    found = KMeans(min(clusters, len(vectors)), n_init=3, random_state=seed).fit(vectors[sample])
    return [int(label) for label in found.predict(vectors)]
