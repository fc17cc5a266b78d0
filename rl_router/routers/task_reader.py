"""Which task of the table a text belongs to, read off its words: for queries that name none, or one unheard of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from rl_router.routers.learned import Learned, learned
from rl_router.routers.linear import ridge
from rl_router.types import Query


@dataclass(kw_only=True)
class TaskReader(Learned):
    """p(t | q): a ridge regression on one indicator per task, cut at 0 and scaled to a sum of 1."""

    strength: Annotated[float, Field(gt=0.0)] = 1.0
    tasks_: tuple[str, ...] = learned()
    means_: np.ndarray = learned("t")
    weights_: np.ndarray = learned("d t")

    def fit(self, vectors: Any, queries: Sequence[Query]) -> TaskReader:
        """`vectors` [n, d] of the queries' texts."""
        self.tasks_ = tuple(sorted({query.task for query in queries}))
        members = self.members(queries)
        self.means_ = members.mean(axis=0)
        self.weights_ = ridge(vectors, members - self.means_, self.strength).astype(np.float32)
        return self

    def members(self, queries: Sequence[Query]) -> np.ndarray:
        """[n, t] 1 for the task that a query names; a row of zeros for one unheard of."""
        columns = {task: t for t, task in enumerate(self.tasks_)}
        found = np.zeros((len(queries), len(self.tasks_)))
        for i, query in enumerate(queries):
            if query.task in columns:
                found[i, columns[query.task]] = 1.0
        return found

    def read(self, vectors: Any) -> np.ndarray:
        """[n, t] p(t | q) from the texts alone."""
        likely = np.maximum(vectors @ self.weights_ + self.means_, 0.0)
        return np.asarray(likely / np.maximum(likely.sum(axis=1, keepdims=True), 1e-12))

    def named_or_read(self, queries: Sequence[Query], vectors: Any) -> np.ndarray:
        """[n, t] 1 for the task that a query names, and p(t | q) where it names none of the table's."""
        named = self.members(queries)
        return np.where(named.any(axis=1, keepdims=True), named, self.read(vectors))

    def _restored(self) -> None:
        if len(set(self.tasks_)) != len(self.means_):
            raise ValueError("its tasks do not fit their means")
