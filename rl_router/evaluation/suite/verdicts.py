"""Every difference of a table is significant or it is called a tie.

At each cost weight, all routers are paired with each other and every single model with the best single model; one
paired test on utility, query by query, with Holm's correction over all those pairs. Where routers were played under
several seeds the seeds count as a source of chance of their own (Welch's test on seed averages).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from rl_router.evaluation.statistics.comparison import LEVEL, Comparison, compare_tables, verdict
from rl_router.evaluation.statistics.seeds import compare_seeded
from rl_router.evaluation.suite.results import Board

REFERENCE = "best_single"
"""What every row is held against: the best single model, picked on the fit side."""
SEED = 20_260_101
"""Of the resampling; the same lines give the same verdicts."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`router` against `other` in utility at one cost weight; see `Comparison`."""

    cost_weight: float
    router: str
    other: str
    difference: float
    low: float
    high: float
    p_holm: float
    n: int
    verdict: str


def verdicts_of(board: Board) -> list[Verdict]:
    """At each cost weight all pairs of routers, in the order of the board, and each model against `REFERENCE`."""
    tables = [_table(board, weight) for weight in board.cost_weights]
    found = zip(board.cost_weights, _compared(tables), strict=True)
    return [_as_verdict(comparison, weight) for weight, comparisons in found for comparison in comparisons]


Table = tuple[dict[str, np.ndarray], list[tuple[str, str]]]
"""[s, n] by router, and the pairs to compare."""


def _table(board: Board, cost_weight: float) -> Table:
    columns = {name: column for name in board.columns if (column := board.at(name, cost_weight)) is not None}
    values = {name: board.utility(column, cost_weight) for name, column in columns.items()}
    pairs = list(combinations([name for name in board.routers if name in values], 2))
    if REFERENCE in values:
        pairs += [(model, REFERENCE) for model in board.models]
    return values, pairs


def _compared(tables: Sequence[Table]) -> list[list[Comparison]]:
    if any(len(column) > 1 for values, _ in tables for column in values.values()):
        return [compare_seeded(values, pairs) for values, pairs in tables]
    first = [({name: column[0] for name, column in values.items()}, pairs) for values, pairs in tables]
    return compare_tables(first, rng=np.random.default_rng(SEED))


def _as_verdict(found: Comparison, cost_weight: float) -> Verdict:
    return Verdict(
        cost_weight=cost_weight,
        router=found.router,
        other=found.other,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p_holm=found.p_holm,
        n=found.n,
        verdict=found.verdict.value,
    )


def between(verdicts: Sequence[Verdict], router: str, other: str) -> Verdict | None:
    """The verdict on `router` against `other`, turned round when it was made the other way."""
    for found in verdicts:
        if (found.router, found.other) == (router, other):
            return found
        if (found.router, found.other) == (other, router):
            return Verdict(
                cost_weight=found.cost_weight,
                router=router,
                other=other,
                difference=-found.difference,
                low=-found.high,
                high=-found.low,
                p_holm=found.p_holm,
                n=found.n,
                verdict=verdict(-found.difference, found.p_holm, LEVEL).value,
            )
    return None
