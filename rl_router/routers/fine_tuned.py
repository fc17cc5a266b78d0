"""A transformer tuned whole as a classifier, one output per model: an encoder (`bert`) or a decoder (`causal_lm`)."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from rl_router.routers.learned import learned
from rl_router.routers.networks.inputs import check_shapes
from rl_router.routers.networks.layers import Arrays, as_float64, dense, log_odds, sigmoid
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.routers.tuned import Tuned
from rl_router.types import Query


@dataclass(kw_only=True)
class FineTuned(Router, ABC):
    """score_j(q) = sigmoid(W h(q) + b)_j by cross-entropy against the recorded scores, with every weight of h tuned.

    The classifiers of RouteLLM (arXiv 2406.18665), section 4.2, with an output for each model of the pool where there
    it is one for a pair. `model` is a folder, a hub name, or an untrained tiny architecture for a table's own words.
    """

    pooling: ClassVar[Literal["first", "last"]]
    kind: str
    model: str
    max_tokens: Annotated[int, Field(ge=1)] = 256
    training: Schedule = Schedule(batch_size=16, max_epochs=10, patience=2)
    seed: int = 0
    features_: Tuned = learned()
    head_: dict[str, np.ndarray] = learned("*")

    def _fit(self, observed: Observations) -> None:
        from rl_router.routers.networks.losses import score_loss
        from rl_router.routers.networks.training import Reader, numbers, tensors, train, values

        features = Tuned(model=self.model, pooling=self.pooling, max_tokens=self.max_tokens)
        self.features_ = features.fit(observed.texts)
        head = tensors(self._new_head())
        read, scores = Reader(self.features_, observed.texts), values(observed.scores)

        def loss(rows: Any, learning: bool) -> Any:
            return score_loss(dense(head, "out", read(rows, learning)), scores[rows])

        train(head | read.parameters, loss, len(scores), self.training, self.seed, self.kind)
        self.head_ = numbers(head)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        return sigmoid(dense(self._head, "out", self.features_([query.text for query in queries])))

    @cached_property
    def _head(self) -> Arrays:
        return as_float64(self.head_)

    def _new_head(self) -> dict[str, np.ndarray]:
        """Starts at the mean score of every model."""
        bias = log_odds(self.mean_scores_).astype(np.float32)
        return {"out.weight": np.zeros((self.features_.size, len(bias)), np.float32), "out.bias": bias}

    def _restored(self) -> None:
        check_shapes(self.head_, self._new_head())


@dataclass(kw_only=True)
class Bert(FineTuned):
    """An encoder, read at its first token."""

    pooling: ClassVar[Literal["first", "last"]] = "first"
    kind: Literal["bert"] = "bert"
    model: str = "tiny-encoder"


@dataclass(kw_only=True)
class CausalLm(FineTuned):
    """A decoder, read at the last token of the query, which has seen all the others."""

    pooling: ClassVar[Literal["first", "last"]] = "last"
    kind: Literal["causal_lm"] = "causal_lm"
    model: str = "tiny-decoder"
