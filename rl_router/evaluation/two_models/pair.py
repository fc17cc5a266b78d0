"""Two models on the same questions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.types import Query

TURN = re.compile(r"[/_]turn\d+(?=/|$)")
"""`mt_bench/81/turn2` in a table, `mt_bench_turn2/test/81` among the benchmarks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Both models' quality [n] on the questions that were put to them; NaN where nobody graded."""

    queries: tuple[Query, ...]
    weak: np.ndarray
    strong: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """[n] characters of each prompt."""
        return np.array([float(len(query.text)) for query in self.queries])


def pair_of(table: RoutingTable, *, weak: str, strong: str) -> Pair:
    """A conversation with a row per turn (`…/turn1`, `…/turn2`) is one question: all turns' mean, the first's prompt.

    That is how RouteLLM counts MT-Bench: a router sees the first turn only.
    """
    questions = conversations(table.query_ids)
    queries = {query.query_id: query for query in table.queries()}
    scores = table.matrix("score", models=[weak, strong])
    place = {query_id: i for i, query_id in enumerate(table.query_ids)}
    means = np.array([scores[[place[turn] for turn in turns]].mean(axis=0) for turns in questions.values()])
    return Pair(
        queries=tuple(queries[min(turns)] for turns in questions.values()), weak=means[:, 0], strong=means[:, 1]
    )


def conversations(query_ids: Iterable[str]) -> dict[str, list[str]]:
    """Conversation -> its turns; a query that is no turn stands alone."""
    found: dict[str, list[str]] = {}
    for query_id in query_ids:
        found.setdefault(conversation_of(query_id), []).append(query_id)
    return found


def conversation_of(query_id: str) -> str:
    """`mt_bench/81` of its turn `mt_bench/81/turn2`; a query that is no turn is its own."""
    return TURN.sub("", query_id)


def weak_and_strong(table: RoutingTable, weak: str | None = None, strong: str | None = None) -> tuple[str, str]:
    """The models by name, or the two of a table that has no others: the strong one has the higher mean score."""
    if weak is not None and strong is not None:
        return weak, strong
    if len(table.models) != 2 or weak is not None or strong is not None:
        raise DataError(f"Name both the weak and the strong model; the {table.where} has {', '.join(table.models)}.")
    means = np.nanmean(table.matrix("score"), axis=0)
    first, second = table.models
    return (second, first) if means[0] > means[1] else (first, second)
