"""Routers of one table against each other: every difference is significant or is called no difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np
from scipy.linalg import block_diag

from rl_router.errors import DataError
from rl_router.evaluation.statistics.holm import holm
from rl_router.evaluation.statistics.mean import mean
from rl_router.evaluation.statistics.paired import Factors, bootstrap_interval, sign_flips

LEVEL = 0.03
"""The chance that a table of routers which do not differ shows any difference. Below the usual 0.05, because a test at
0.05 calls 95 of 100 ties a tie only on average: at 0.03 it is at least 94 in 97 % of all sets of 100."""

BOOTSTRAP_DRAWS = 2_000
FLIP_DRAWS = 10_000
FLIPS_PER_COMPARISON = 80
"""With fewer, the smallest p-value there can be, times the number of comparisons, would not be below the level."""


class Verdict(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """`router` against `other` on the `n` queries both have a value for.

    `difference` is router − other and [`low`, `high`] its interval (bootstrap, or Student's where seeds count) at the
    level of one comparison alone; `p` is the test's, `p_holm` corrected for all comparisons of the table, and only
    `p_holm` decides the verdict.
    """

    router: str
    other: str
    difference: float
    se: float
    low: float
    high: float
    p: float
    p_holm: float
    n: int
    verdict: Verdict


def compare_all(
    values: Mapping[str, np.ndarray], *, rng: np.random.Generator, level: float = LEVEL
) -> list[Comparison]:
    """Every pair of routers, in the order of `values`: router -> [n] per query, where more is better."""
    return compare_pairs(values, list(combinations(values, 2)), rng=rng, level=level)


def compare_with(
    reference: str, values: Mapping[str, np.ndarray], *, rng: np.random.Generator, level: float = LEVEL
) -> list[Comparison]:
    """Every router against the one named `reference`: fewer comparisons, so smaller differences are found."""
    return compare_pairs(values, [(name, reference) for name in values if name != reference], rng=rng, level=level)


def compare_pairs(
    values: Mapping[str, np.ndarray],
    pairs: Sequence[tuple[str, str]],
    *,
    rng: np.random.Generator,
    level: float = LEVEL,
) -> list[Comparison]:
    """These pairs as one table: Holm's correction counts all of them."""
    return compare_tables([(values, pairs)], rng=rng, level=level)[0]


Table = tuple[Mapping[str, np.ndarray], Sequence[tuple[str, str]]]
"""Values by router, and the pairs of them to compare."""


def compare_tables(
    tables: Sequence[Table], *, rng: np.random.Generator, level: float = LEVEL
) -> list[list[Comparison]]:
    """Tables on the same queries, each with a correction of its own, such as one for every cost weight.

    They are resampled together, because drawing the weights takes as long as a table does.
    """
    columns = [_columns(values, pairs) for values, pairs in tables]
    if not any(pairs for _, pairs in tables):
        return [[] for _ in tables]
    both = [
        (found[router], found[other])
        for found, (_, pairs) in zip(columns, tables, strict=True)
        for router, other in pairs
    ]
    differences = np.column_stack([mine - theirs for mine, theirs in both])  # [n, p]
    factors = _factors(columns, [pairs for _, pairs in tables])
    low, high = bootstrap_interval(differences, confidence=1 - level, draws=BOOTSTRAP_DRAWS, rng=rng, factors=factors)
    draws = max(FLIP_DRAWS, FLIPS_PER_COMPARISON * max(len(pairs) for _, pairs in tables))
    p_values = sign_flips(differences, draws=draws, rng=rng, factors=factors)
    found, end = [], 0
    for _, pairs in tables:
        here = slice(end, end := end + len(pairs))
        found.append(_rows(pairs, differences[:, here], (low[here], high[here]), p_values[here], level))
    return found


def _rows(
    pairs: Sequence[tuple[str, str]],
    differences: np.ndarray,
    interval: tuple[np.ndarray, np.ndarray],
    p_values: np.ndarray,
    level: float,
) -> list[Comparison]:
    """One table: of each pair the column of `differences` [n, p], its interval and its p-value."""
    corrected = holm(p_values)
    rows = []
    for i, (router, other) in enumerate(pairs):
        average = mean(differences[:, i])
        rows.append(
            Comparison(
                router=router,
                other=other,
                difference=average.value,
                se=average.se,
                low=float(interval[0][i]),
                high=float(interval[1][i]),
                p=float(p_values[i]),
                p_holm=float(corrected[i]),
                n=average.n,
                verdict=verdict(average.value, float(corrected[i]), level),
            )
        )
    return rows


def verdict(difference: float, p: float, level: float = LEVEL) -> Verdict:
    """NO_DIFFERENCE unless `p` is at most the level; a p-value that is NaN (nothing to compare) shows none."""
    if not p <= level:
        return Verdict.NO_DIFFERENCE
    return Verdict.BETTER if difference > 0 else Verdict.WORSE


def _factors(columns: Sequence[Mapping[str, np.ndarray]], pairs: Sequence[Sequence[tuple[str, str]]]) -> Factors | None:
    """Of all tables, side by side; None where there is nothing to save."""
    used = [list(dict.fromkeys(name for pair in of_table for name in pair)) for of_table in pairs]
    if sum(map(len, pairs)) <= sum(map(len, used)):
        return None
    values = [found[name] for found, names in zip(columns, used, strict=True) for name in names]
    signs = [_signs(names, of_table) for names, of_table in zip(used, pairs, strict=True) if of_table]
    return np.column_stack(values), block_diag(*signs)


def _signs(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """[names, pairs] +1 for the first of each pair, −1 for the second."""
    place = {name: i for i, name in enumerate(names)}
    signs = np.zeros((len(names), len(pairs)))
    for column, (router, other) in enumerate(pairs):
        signs[place[router], column] += 1
        signs[place[other], column] -= 1
    return signs


def _columns(values: Mapping[str, np.ndarray], pairs: Sequence[tuple[str, str]]) -> dict[str, np.ndarray]:
    missing = sorted({name for pair in pairs for name in pair} - set(values))
    if missing:
        raise DataError(f"No values of {', '.join(missing)} to compare; there are {', '.join(values)}.")
    columns = {name: np.asarray(column, float) for name, column in values.items()}
    lengths = {column.shape for column in columns.values()}
    if len(lengths) > 1 or any(len(shape) != 1 for shape in lengths):
        raise DataError(f"Expected one value per query and the same queries for every router, got {lengths}.")
    return columns
