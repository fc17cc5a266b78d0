"""Matrix factorisation: a vector per model and a projection of the query, whose product is the model's strength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from rl_router.routers.features import Features
from rl_router.routers.learned import learned
from rl_router.routers.networks.inputs import check_shapes, dense_features
from rl_router.routers.networks.layers import Arrays, as_float64, dense, new_dense, sigmoid, unit
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query


@dataclass(kw_only=True)
class Mf(Router):
    """δ(j, q) = w · (v_j / |v_j| ⊙ (W x(q) + b)) and Pr[a beats b] = sigmoid(δ(a, q) − δ(b, q)).

    RouteLLM (arXiv 2406.18665), section 4.2 and its equation for δ. There it learns from votes between two models; here
    every pair of models that were graded on a query is a comparison, of label (1 + score_a − score_b) / 2, so a tie is
    a half and no winner. 2 Pr − 1 is then the expected lead of a over b, and a model's score is the mean of the table
    plus its mean lead over the pool. `noise` is added to the query's vector while it learns, as there.
    """

    kind: Literal["mf"] = "mf"
    features: str = "lsa:256"
    rank: Annotated[int, Field(ge=1)] = 64
    noise: Annotated[float, Field(ge=0.0)] = 0.02
    training: Schedule = Schedule(learning_rate=3e-3)
    seed: int = 0
    features_: Features = learned()
    network_: dict[str, np.ndarray] = learned("*")

    def _fit(self, observed: Observations) -> None:
        from rl_router.routers.networks.losses import preference_loss
        from rl_router.routers.networks.training import Reader, noise, numbers, tensors, train, values

        self.features_ = dense_features(self.features, observed.texts)
        network = tensors(self._new_network(self.features_.size))
        read, scores = Reader(self.features_, observed.texts), values(observed.scores)

        def loss(rows: Any, learning: bool) -> Any:
            heard = noise(read(rows, learning), self.noise if learning else 0.0)
            return preference_loss(strengths(network, heard), scores[rows])

        train(network | read.parameters, loss, len(scores), self.training, self.seed, "mf")
        self.network_ = numbers(network)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        found = strengths(self._network, self.features_([query.text for query in queries]))
        return float(self.mean_scores_.mean()) + mean_leads(found)

    @cached_property
    def _network(self) -> Arrays:
        return as_float64(self.network_)

    def _new_network(self, dim: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        network = new_dense("query", dim, self.rank, rng)
        network["models"] = rng.normal(size=(len(self.models_), self.rank)).astype(np.float32)
        network["weight"] = np.ones(self.rank, np.float32)
        return network

    def _restored(self) -> None:
        check_shapes(self.network_, self._new_network(self.features_.size))


def strengths(network: Arrays, x: Any) -> Any:
    """[n, d] to [n, m] δ of each model."""
    return (dense(network, "query", x) * network["weight"]) @ unit(network["models"]).T


def mean_leads(found: np.ndarray) -> np.ndarray:
    """[n, m] expected score of each model less that of a model of the pool, from strengths [n, m]."""
    leads = [2.0 * sigmoid(found - found[:, [j]]) - 1.0 for j in range(found.shape[1])]
    return np.mean(leads, axis=0)
