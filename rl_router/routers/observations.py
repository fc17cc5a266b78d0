"""What routers learn from: the graded part of a routing table as matrices, in an order that its rows do not decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rl_router.data.modalities import marked
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.pool.spec import ModelSpec
from rl_router.types import Query

MATRICES = ("scores", "costs_usd", "prompt_tokens", "completion_tokens")


@dataclass(frozen=True, kw_only=True)
class Observations:
    """Queries by id and models by name, so that two tables of the same rows in another order are the same.

    A NaN is unknown: not graded, not recorded. It is never a zero.
    """

    queries: tuple[Query, ...]  # n
    models: tuple[str, ...]  # m
    scores: np.ndarray  # [n, m] in 0..1
    costs_usd: np.ndarray  # [n, m]
    prompt_tokens: np.ndarray  # [n, m]
    completion_tokens: np.ndarray  # [n, m]
    table: RoutingTable
    """For what only some routers read: responses, and columns beyond the schema."""
    quality_per_score: float = 1.0
    """By how much quality two models differ whose scores differ by 1; not 1 where a learner shows no qualities."""

    @classmethod
    def of(
        cls, table: RoutingTable, prices: Iterable[ModelSpec] = (), *, quality_per_score: float = 1.0
    ) -> Observations:
        """Without the queries that no model was graded on. `prices` take the place of recorded costs where the tokens
        are known. DataError when there is nothing to learn from."""
        models = tuple(sorted(table.models))
        queries = {query.query_id: query for query in table.queries()}
        ids = sorted(queries)
        if not ids:
            raise DataError(f"The {table.where} has no rows to fit a router on; choose another split.")
        scores = table.matrix("score", ids, models)
        _check_graded(table, models, scores)
        kept = np.flatnonzero(~np.isnan(scores).all(axis=1))
        ids = [ids[i] for i in kept]
        asked = tuple(marked(queries[i]) for i in ids)
        _check_texts(table, asked)
        prompt, completion, costs = (
            table.matrix(column, ids, models) for column in ("prompt_tokens", "completion_tokens", "cost_usd")
        )
        return cls(
            queries=asked,
            models=models,
            scores=scores[kept],
            costs_usd=_repriced(costs, prompt, completion, models, prices),
            prompt_tokens=prompt,
            completion_tokens=completion,
            table=table,
            quality_per_score=quality_per_score,
        )

    def take(self, rows: np.ndarray) -> Observations:
        """Only these queries."""
        matrices = {name: getattr(self, name)[rows] for name in MATRICES}
        return replace(self, queries=tuple(self.queries[i] for i in rows), **matrices)

    @property
    def texts(self) -> list[str]:
        return [query.text for query in self.queries]

    @cached_property
    def mean_scores(self) -> np.ndarray:
        """[m] over the queries that each model was graded on; of one that was graded on none, the mean of all."""
        means = _known_means(self.scores)
        return np.where(np.isnan(means), np.nanmean(self.scores), means)

    @cached_property
    def mean_costs_usd(self) -> np.ndarray:
        """[m] NaN for a model without any recorded cost."""
        return _known_means(self.costs_usd)

    @property
    def cost_reference_usd(self) -> float | None:
        """What cost is measured by: the mean cost of a call to the strongest model. None when that is not known.

        Where the strongest is free, the dearest model takes its place; where all are free, any measure serves.
        """
        costs = self.mean_costs_usd
        strongest = costs[int(self.mean_scores.argmax())]
        if np.isnan(strongest):
            return None
        return float(strongest) or float(np.nanmax(costs)) or 1.0


def _known_means(matrix: np.ndarray) -> np.ndarray:
    """[m] NaN where a column holds nothing else."""
    known = ~np.isnan(matrix)
    sums = np.where(known, matrix, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), np.nan)


def _check_graded(table: RoutingTable, models: tuple[str, ...], scores: np.ndarray) -> None:
    ungraded = [models[j] for j in np.flatnonzero(np.isnan(scores).all(axis=0))]
    if len(ungraded) == len(models):
        raise DataError(f"The {table.where} has no score in any row; a router learns from graded answers.")
    if ungraded:
        raise DataError(
            f"The {table.where} has no score for {ungraded[0]!r}; leave that model out with"
            " RoutingTable.select(models=…), or grade its answers."
        )


def _check_texts(table: RoutingTable, queries: tuple[Query, ...]) -> None:
    empty = next((query.query_id for query in queries if not query.text.strip()), None)
    if empty is not None:
        raise DataError(f"The {table.where} has an empty text as query {empty!r}; drop its rows.")


def _repriced(
    costs: np.ndarray, prompt: np.ndarray, completion: np.ndarray, models: tuple[str, ...], prices: Iterable[ModelSpec]
) -> np.ndarray:
    """[n, m] the recorded costs, or what the tokens cost today where a price is given and the tokens are known."""
    costs = costs.copy()
    for spec in prices:
        if spec.name in models:
            j = models.index(spec.name)
            usd = prompt[:, j] * spec.input_usd_per_mtok + completion[:, j] * spec.output_usd_per_mtok
            costs[:, j] = np.where(np.isnan(usd), costs[:, j], usd / 1e6)
    return costs
