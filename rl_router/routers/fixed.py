"""Routers that ignore what a query says: always the smallest model, always the largest, or any of them.

They have no dial: a cost weight does not move them. Their scores are ranks, not predictions of quality.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from rl_router.errors import DataError
from rl_router.routers.learned import learned
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.routers.seeded import uniform
from rl_router.types import Query


@dataclass(kw_only=True)
class BySize(Router):
    """Ranks models by the mean cost of a call, or where no cost is recorded by the parameters that names tell."""

    has_dial: ClassVar[bool] = False
    ranks_: np.ndarray = learned("m")

    def _fit(self, observed: Observations) -> None:
        sizes = model_sizes(observed)
        order = np.argsort(np.argsort(self._sign() * sizes, kind="stable"), kind="stable")
        self.ranks_ = (order + 1.0) / len(sizes)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        return np.tile(self.ranks_, (len(queries), 1))

    @abstractmethod
    def _sign(self) -> float:
        """1 to prefer large sizes, −1 to prefer small ones."""


@dataclass(kw_only=True)
class Smallest(BySize):
    """Always the model whose calls are cheapest."""

    kind: Literal["smallest"] = "smallest"

    def _sign(self) -> float:
        return -1.0


@dataclass(kw_only=True)
class Largest(BySize):
    """Always the model whose calls are dearest, which need not be the best."""

    kind: Literal["largest"] = "largest"

    def _sign(self) -> float:
        return 1.0


@dataclass(kw_only=True)
class Random(Router):
    """Any model, each as likely, by a hash of the seed and the text: the same query always gets the same one."""

    has_dial: ClassVar[bool] = False
    kind: Literal["random"] = "random"
    seed: int = 0

    def _fit(self, observed: Observations) -> None:
        """There is nothing to learn but the names of the models."""

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        return np.array([[uniform(self.seed, model, query.text) for model in self.models_] for query in queries])


def model_sizes(observed: Observations) -> np.ndarray:
    """[m] mean USD of a call, else billions of parameters. DataError when neither is known for every model."""
    costs = observed.mean_costs_usd
    if not np.isnan(costs).any():
        return costs
    sizes = [parameters_in(model) for model in observed.models]
    unknown = [model for model, size in zip(observed.models, sizes, strict=True) if size is None]
    if unknown:
        raise DataError(
            f"The {observed.table.where} does not record every model's cost, and the name {unknown[0]!r} tells no size"
            " like 7B: which model is smallest or largest cannot be known; give a table with costs."
        )
    return np.array(sizes, dtype=np.float64)


def parameters_in(model: str) -> float | None:
    """Billions of parameters as a name tells them: `Llama-3-8B` 8, `Mixtral-8x7B` 56, `gpt-4` None."""
    found = re.search(r"(?<![\w.])(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z0-9])", model.lower())
    return float(found[1] or 1) * float(found[2]) if found else None
