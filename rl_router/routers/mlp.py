"""A small multi-layer perceptron: from a query's vector to how well each model will do, all models at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from rl_router.routers.features import Features
from rl_router.routers.learned import learned
from rl_router.routers.networks.inputs import check_shapes, dense_features
from rl_router.routers.networks.layers import Arrays, as_float64, dense, log_odds, new_dense, relu, sigmoid
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query


@dataclass(kw_only=True)
class Mlp(Router):
    """score_j(q) = sigmoid(W₂ relu(W₁ x(q) + b₁) + b₂)_j, by cross-entropy against the recorded scores.

    The multi-label form of the MLP baselines of RouterBench (arXiv 2403.12031, section 4): a model is trained towards
    its own score and not towards "the best model", so queries on which models tie teach that they do.
    """

    kind: Literal["mlp"] = "mlp"
    features: str = "lsa:256"
    width: Annotated[int, Field(ge=1)] = 128
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.3
    training: Schedule = Schedule()
    seed: int = 0
    features_: Features = learned()
    network_: dict[str, np.ndarray] = learned("*")

    def _fit(self, observed: Observations) -> None:
        from rl_router.routers.networks.losses import score_loss
        from rl_router.routers.networks.training import Reader, dropout, numbers, tensors, train, values

        self.features_ = dense_features(self.features, observed.texts)
        network = tensors(self._new_network(self.features_.size))
        read, scores = Reader(self.features_, observed.texts), values(observed.scores)

        def loss(rows: Any, learning: bool) -> Any:
            return score_loss(logits(network, read(rows, learning), dropout(self.dropout, learning)), scores[rows])

        train(network | read.parameters, loss, len(scores), self.training, self.seed, "mlp")
        self.network_ = numbers(network)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        return sigmoid(logits(self._network, self.features_([query.text for query in queries])))

    @cached_property
    def _network(self) -> Arrays:
        return as_float64(self.network_)

    def _new_network(self, dim: int) -> dict[str, np.ndarray]:
        """Starts at the mean score of every model."""
        rng = np.random.default_rng(self.seed)
        network = new_dense("hidden", dim, self.width, rng) | new_dense("out", self.width, len(self.models_), rng)
        network["out.weight"] *= 0.1
        network["out.bias"] += log_odds(self.mean_scores_)
        return network

    def _restored(self) -> None:
        check_shapes(self.network_, self._new_network(self.features_.size))


def logits(network: Arrays, x: Any, drop: Callable[[Any], Any] = lambda states: states) -> Any:
    """[n, d] to [n, m]."""
    return dense(network, "out", drop(relu(dense(network, "hidden", drop(x)))))
