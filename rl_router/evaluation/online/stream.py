"""A stream of requests whose answers are recorded, so that what any model would have earned is known.

A change may be planted: from some request on a model answers worse, costs more, or is there at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.routers.online import Online
from rl_router.types import Query


@dataclass(frozen=True, kw_only=True)
class Stream:
    """`queries` n requests in order; what each of `models` would have earned and cost on each."""

    queries: tuple[Query, ...]
    models: tuple[str, ...]
    quality: np.ndarray  # [n, m]
    cost_usd: np.ndarray  # [n, m], zeros where nothing is recorded

    @classmethod
    def of(cls, table: RoutingTable, n: int, *, rng: np.random.Generator) -> Stream:
        """n requests in random order: each query of `table` once, or drawn with replacement when there are fewer."""
        known, models = table.queries(), tuple(sorted(table.models))
        drawn = rng.permutation(len(known))[:n] if n <= len(known) else rng.integers(len(known), size=n)
        ids = [query.query_id for query in known]
        quality, cost = (table.matrix(column, ids, models)[drawn] for column in ("score", "cost_usd"))
        if np.isnan(quality).any():
            raise DataError(f"The {table.where} has ungraded answers; a stream needs every score of every query.")
        queries = tuple(replace(known[i], query_id=f"{number}") for number, i in enumerate(drawn))
        return cls(queries=queries, models=models, quality=quality, cost_usd=np.nan_to_num(cost))

    def changed(self, change: Change) -> Stream:
        """With what `change` does from its request on."""
        quality, cost = self.quality.copy(), self.cost_usd.copy()
        j = self.models.index(change.model)
        if change.kind == "degrades":
            kept = np.random.default_rng(change.at).random(len(quality) - change.at) < change.factor
            quality[change.at :, j] *= kept
        elif change.kind == "dearer":
            cost[change.at :, j] *= change.factor
        return replace(self, quality=quality, cost_usd=cost)

    def utility(self, cost_weight: float, reference_usd: float) -> np.ndarray:
        """[n, m]"""
        return self.quality - cost_weight * self.cost_usd / reference_usd


@dataclass(frozen=True, kw_only=True)
class Change:
    """From request `at` on: `degrades` keeps a right answer with chance `factor`, `dearer` multiplies the price by it,
    `arrives` lets the model be chosen for the first time."""

    kind: Literal["degrades", "dearer", "arrives"]
    model: str
    at: int
    factor: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """A grade comes for a `share` of the requests, `delay` requests later; a bill comes at once for all."""

    share: float = 1.0
    delay: int = 0


@dataclass(frozen=True, kw_only=True)
class Served:
    """What a router chose: [n] columns of the stream; the changes in quality that it noticed, and what it became."""

    choices: np.ndarray
    router: Online
    noticed: tuple[tuple[str, int], ...]


def serve(
    router: Online,
    stream: Stream,
    *,
    cost_weight: float,
    feedback: Feedback,
    rng: np.random.Generator,
    progress: Callable[[int], None],
    successor: tuple[int, Online] | None = None,
) -> Served:
    """One request after the other. Both are attached to one file; `successor` takes over at its request."""
    late: deque[tuple[int, str, float]] = deque()
    choices = np.zeros(len(stream.queries), int)
    for i, query in enumerate(stream.queries):
        if successor is not None and i == successor[0]:
            router = successor[1]
        while late and late[0][0] <= i:
            _, decision_id, quality = late.popleft()
            router.outcome(decision_id, quality=quality)
        decision = router.route([query], cost_weight=cost_weight)[0]
        j = choices[i] = stream.models.index(decision.model)
        router.outcome(query.query_id, cost_usd=float(stream.cost_usd[i, j]))
        if rng.random() < feedback.share:
            late.append((i + feedback.delay, query.query_id, float(stream.quality[i, j])))
        progress(i + 1)
    return Served(choices=choices, router=router, noticed=tuple(router.live.learner.changes))
