"""Where routers meet: the test queries with every model's recorded answer to them, and the queries to fit on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rl_router.data.modalities import by_takers
from rl_router.data.table import RoutingTable
from rl_router.evaluation.metrics.selection import known_mean
from rl_router.types import Query


@dataclass(frozen=True, kw_only=True)
class Side:
    """The queries of one split [n] and what each model [m] did with them; NaN is unknown, never a zero."""

    queries: tuple[Query, ...]
    table: RoutingTable
    quality: np.ndarray  # [n, m] in 0..1
    cost_usd: np.ndarray  # [n, m]
    latency_s: np.ndarray  # [n, m]
    prompt_tokens: np.ndarray  # [n, m]
    completion_tokens: np.ndarray  # [n, m]
    failed: np.ndarray  # [n, m] 1 where the call failed, which counts as a wrong answer
    truncated: np.ndarray  # [n, m] 1 where the answer was cut off at the token limit, 0 where it was not

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        return tuple(sorted({query.task for query in self.queries}))

    @cached_property
    def task_of(self) -> np.ndarray:
        """[n] place of each query's task in `tasks`."""
        place = {task: i for i, task in enumerate(self.tasks)}
        return np.array([place[query.task] for query in self.queries], dtype=int)

    @cached_property
    def mean_quality(self) -> np.ndarray:
        """[m]"""
        return known_mean(self.quality, axis=0)

    @cached_property
    def mean_cost_usd(self) -> np.ndarray:
        """[m]"""
        return known_mean(self.cost_usd, axis=0)


@dataclass(frozen=True, kw_only=True)
class Arena:
    """Test and fit side of one pool. `remarks` are sentences about the data that a reader of the table must know."""

    models: tuple[str, ...]
    test: Side
    fit: Side
    remarks: tuple[str, ...] = ()
    capabilities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By model, as its pool states them; a model that no pool describes is held to take everything."""

    def by_takers(self, queries: Sequence[Query], models: Sequence[str]) -> list[tuple[list[int], list[str]]]:
        """(places of queries, the ones of `models` that can take them); RecipeError where none can."""
        return by_takers(queries, models, self.capabilities)

    def able(self, rows: np.ndarray) -> np.ndarray:
        """[n, m] whether a model can take the test query in a row."""
        found = np.zeros((len(rows), len(self.models)), dtype=bool)
        for places, models in self.by_takers([self.test.queries[i] for i in rows], self.models):
            found[np.array(places)[:, None], self.columns(models)] = True
        return found

    @cached_property
    def strongest(self) -> int:
        """The model of the highest mean quality on the fit side; of equals, the first."""
        return int(np.nanargmax(self.fit.mean_quality))

    @cached_property
    def is_priced(self) -> bool:
        """Whether every model has a known cost on the fit side."""
        return bool(np.isfinite(self.fit.mean_cost_usd).all())

    @cached_property
    def cost_reference_usd(self) -> float:
        """Costs are measured by a mean call to the strongest model; where that is free, to the dearest. Else 1."""
        costs = self.fit.mean_cost_usd
        if not np.isfinite(costs[self.strongest]):
            return 1.0
        return float(costs[self.strongest]) or float(np.nanmax(costs)) or 1.0

    def utility(self, side: Side, cost_weight: float) -> np.ndarray:
        """[n, m] quality − cost weight · relative cost; at weight 0 a cost need not be known."""
        if cost_weight == 0:
            return side.quality
        return side.quality - cost_weight * side.cost_usd / self.cost_reference_usd

    def columns(self, models: Sequence[str]) -> np.ndarray:
        """Places of these models in `models`."""
        return np.array([self.models.index(model) for model in models], dtype=int)
