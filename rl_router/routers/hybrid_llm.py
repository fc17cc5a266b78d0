"""Hybrid LLM: is the small model good enough for this query, or must it be the large one?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from rl_router.errors import RecipeError
from rl_router.routers.features import Features
from rl_router.routers.learned import learned
from rl_router.routers.mlp import logits
from rl_router.routers.networks.calibration import fit_line
from rl_router.routers.networks.inputs import check_shapes, dense_features
from rl_router.routers.networks.layers import Arrays, as_float64, new_dense, sigmoid
from rl_router.routers.networks.pair_labels import best_shift, gap_labels, neighbours, sampled_gaps
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query


@dataclass(kw_only=True)
class HybridLlm(Router):
    """r(q) = Pr[score of the small model ≥ score of the large one − t], by cross-entropy against `labels`.

    Hybrid LLM (arXiv 2404.14618), section 3: `deterministic` labels (equation 1, one sample and t = 0), `probabilistic`
    (equation 2) and `transformed` (equation 3, with the t of equation 4). See `pair_labels` for what stands in for the
    samples. `large` is the model with the best mean score unless named. Every other model is small, with an output of
    its own; a table of two models is the paper's case.

    A line through the gaps that were seen at each r turns it into a score: that of the large model plus slope · r +
    height. It rises, so moving the cost weight moves the paper's threshold on r.
    """

    kind: Literal["hybrid_llm"] = "hybrid_llm"
    features: str = "lsa:256"
    labels: Literal["deterministic", "probabilistic", "transformed"] = "transformed"
    large: str | None = None
    samples: Annotated[int, Field(ge=2)] = 10
    width: Annotated[int, Field(ge=1)] = 128
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.3
    training: Schedule = Schedule()
    seed: int = 0
    large_: str = learned()
    features_: Features = learned()
    network_: dict[str, np.ndarray] = learned("*")
    shifts_: np.ndarray = learned("m")  # t of each model, 0 for the large one
    lines_: np.ndarray = learned("m 2")  # slope and height from r to the expected gap, 0 for the large one

    def _fit(self, observed: Observations) -> None:
        from rl_router.routers.networks.losses import score_loss
        from rl_router.routers.networks.training import Reader, dropout, numbers, tensors, train, values

        self.large_ = self._choose_large(observed)
        gaps = observed.scores - observed.scores[:, [self._large]]  # [n, m]
        self.features_ = dense_features(self.features, observed.texts)
        self.shifts_, labels = self._labels(gaps, self.features_(observed.texts))
        network = tensors(self._new_network(self.features_.size))
        read, wanted = Reader(self.features_, observed.texts), values(labels)

        def loss(rows: Any, learning: bool) -> Any:
            return score_loss(logits(network, read(rows, learning), dropout(self.dropout, learning)), wanted[rows])

        train(network | read.parameters, loss, len(wanted), self.training, self.seed, "hybrid_llm")
        self.network_ = numbers(network)
        self.lines_ = self._fit_lines(self._chances(observed.queries), gaps)

    def good_enough(self, queries: Sequence[Query]) -> np.ndarray:
        """[n, m] r(q): the chance that a model does as well as the large one, less the shift; 1 for the large one."""
        self._check_fitted()
        return self._chances(queries)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        slopes, heights = self.lines_.T
        return self.mean_scores_[self._large] + slopes * self._chances(queries) + heights

    def _chances(self, queries: Sequence[Query]) -> np.ndarray:
        chances = sigmoid(logits(self._network, self.features_([query.text for query in queries])))
        chances[:, self._large] = 1.0
        return chances

    def _choose_large(self, observed: Observations) -> str:
        if self.large is None:
            return observed.models[int(observed.mean_scores.argmax())]
        if self.large not in observed.models:
            raise RecipeError(f"large={self.large} is no model of the table; it has {', '.join(observed.models)}")
        return self.large

    def _labels(self, gaps: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The shift [m] and the labels [n, m] of every model, NaN where the gap is unknown or the model the large."""
        shifts, labels = np.zeros(gaps.shape[1]), np.full(gaps.shape, np.nan)
        near = neighbours(vectors, 1 if self.labels == "deterministic" else self.samples)
        for j in range(gaps.shape[1]):
            known = ~np.isnan(gaps[:, j])
            if j == self._large or not known.any():
                continue
            samples = sampled_gaps(gaps[:, j], near)[known]
            shifts[j] = best_shift(samples) if self.labels == "transformed" else 0.0
            labels[known, j] = gap_labels(samples, shifts[j])
        return shifts, labels

    def _fit_lines(self, chances: np.ndarray, gaps: np.ndarray) -> np.ndarray:
        lines = np.zeros((gaps.shape[1], 2))
        for j in range(gaps.shape[1]):
            known = ~np.isnan(gaps[:, j])
            if j != self._large and known.any():
                lines[j] = fit_line(chances[known, j], gaps[known, j])
        return lines

    @cached_property
    def _large(self) -> int:
        return self.models_.index(self.large_)

    @cached_property
    def _network(self) -> Arrays:
        return as_float64(self.network_)

    def _new_network(self, dim: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        return new_dense("hidden", dim, self.width, rng) | new_dense("out", self.width, len(self.models_), rng)

    def _restored(self) -> None:
        if self.large_ not in self.models_:
            raise ValueError(f"the large model {self.large_!r} is none of the router's models")
        check_shapes(self.network_, self._new_network(self.features_.size))
