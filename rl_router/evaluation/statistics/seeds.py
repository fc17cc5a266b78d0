"""Seeds as a second source of chance: another seed would have given another router, other queries another mean.

Values [s, n] are one router trained under s seeds and judged on the same n queries. In the two-way layout
x = mean + seed + query + rest, the mean's variance is (MS_seed + MS_query − MS_rest) / (s · n) (Searle, Casella and
McCulloch 1992, chapter 4), where MS are mean squares. Which of the two dominates says what to buy more of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr, stdtrit

from rl_router.errors import DataError
from rl_router.evaluation.statistics.comparison import LEVEL, Comparison, verdict
from rl_router.evaluation.statistics.holm import holm

NAN = float("nan")


@dataclass(frozen=True, kw_only=True, slots=True)
class SeededMean:
    """Mean over `seeds` and the `n` queries that are known under every seed.

    `se` is what another run with new seeds and new queries would scatter by; `se_seeds` and `se_queries` are the parts
    that new seeds alone, on these queries, and new queries alone, under these seeds, would bring. With one seed the
    seeds' part is unknown: `se_seeds` is NaN, and `se` is the queries' part alone.
    """

    value: float
    se: float
    se_seeds: float
    se_queries: float
    seeds: int
    n: int


def seeded_mean(values: np.ndarray) -> SeededMean:
    """Of `values` [s, n]. A query unknown under some seed is left out under all, or seeds would differ."""
    values = _by_seed(values)
    complete = values[:, ~np.isnan(values).any(axis=0)]
    seeds, n = complete.shape
    if n == 0:
        return SeededMean(value=NAN, se=NAN, se_seeds=NAN, se_queries=NAN, seeds=seeds, n=0)
    of_seed, of_query, rest = _mean_squares(complete)
    both = of_query if seeds == 1 else max(of_seed + of_query - rest, of_seed, of_query)  # an estimate may fall below
    cells = seeds * n
    return SeededMean(
        value=float(complete.mean()),
        se=float(np.sqrt(both / cells)),
        se_seeds=float(np.sqrt(of_seed / cells)),
        se_queries=float(np.sqrt(of_query / cells)),
        seeds=seeds,
        n=n,
    )


def compare_seeded(
    values: Mapping[str, np.ndarray], pairs: Sequence[tuple[str, str]], *, level: float = LEVEL
) -> list[Comparison]:
    """Welch's t-tests of these pairs as one table, where `values` maps each router to its [s, n] and seeds count.

    The queries' part of the variance is that of the paired difference of the two seed averages; each router's seeds add
    a part of their own, unless it has one seed, as a router without chance has. Degrees of freedom by Satterthwaite:
    three seeds that disagree do not make a difference sure, however many queries there are.
    """
    rows = [_compare(values, router, other, level) for router, other in pairs]
    corrected = holm(np.array([row.p for row in rows]))
    return [
        replace(row, p_holm=float(p), verdict=verdict(row.difference, float(p), level))
        for row, p in zip(rows, corrected, strict=True)
    ]


def seed_average(values: np.ndarray) -> np.ndarray:
    """[n] of [s, n]. Exactly the value that all seeds share where they do: three times x by three is not always x, and
    a test would take the last bit for a difference that never fails to be there."""
    return np.asarray(values[0] + (values - values[0]).mean(axis=0))


def _compare(values: Mapping[str, np.ndarray], router: str, other: str, level: float) -> Comparison:
    first, second = _by_seed(values[router]), _by_seed(values[other])
    if first.shape[1] != second.shape[1]:
        raise DataError(
            f"Expected {router} and {other} on the same queries, got {first.shape[1]} and {second.shape[1]} of them."
        )
    known = ~(np.isnan(first).any(axis=0) | np.isnan(second).any(axis=0))
    first, second = first[:, known], second[:, known]
    differences = seed_average(first) - seed_average(second)  # [n]
    n = len(differences)
    difference = float(differences.mean()) if n else NAN
    variance, freedom = _variance(differences, [block for block in (first, second) if len(block) > 1])
    se = float(np.sqrt(variance))
    p = _two_sided(difference, se, freedom)
    reach = float(stdtrit(freedom, 1 - level / 2)) * se
    return Comparison(
        router=router,
        other=other,
        difference=difference,
        se=se,
        low=difference - reach,
        high=difference + reach,
        p=p,
        p_holm=p,
        n=n,
        verdict=verdict(difference, p, level),
    )


def _variance(differences: np.ndarray, seeded: Sequence[np.ndarray]) -> tuple[float, float]:
    """Of the mean difference, and its degrees of freedom (Satterthwaite 1946). NaN for fewer than two queries."""
    n = len(differences)
    if n < 2:
        return NAN, NAN
    parts = [(float(differences.var(ddof=1)) / n, n - 1)] + [_seed_part(block) for block in seeded]
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / df for part, df in parts) if variance > 0 else float(n - 1)
    return variance, freedom


def _seed_part(block: np.ndarray) -> tuple[float, int]:
    """Variance of the seed average of [s, n] that comes from the seeds, beyond the noise of single answers."""
    seeds, n = block.shape
    of_seed, _, rest = _mean_squares(block)
    return max(of_seed - rest, 0.0) / (seeds * n), seeds - 1


def _two_sided(difference: float, se: float, freedom: float) -> float:
    if se == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * stdtr(freedom, -abs(difference) / se))


def _mean_squares(values: np.ndarray) -> tuple[float, float, float]:
    """Of seeds, queries and the rest in [s, n]; NaN where there is one seed or one query only."""
    seeds, n = values.shape
    grand = values.mean()
    by_seed, by_query = values.mean(axis=1), values.mean(axis=0)
    rest = values - by_seed[:, None] - by_query[None] + grand
    return (
        n * float(np.sum((by_seed - grand) ** 2)) / (seeds - 1) if seeds > 1 else NAN,
        seeds * float(np.sum((by_query - grand) ** 2)) / (n - 1) if n > 1 else NAN,
        float(np.sum(rest**2)) / ((seeds - 1) * (n - 1)) if seeds > 1 and n > 1 else NAN,
    )


def _by_seed(values: np.ndarray) -> np.ndarray:
    """[s, n], where [n] is one seed."""
    return np.atleast_2d(np.asarray(values, float))
