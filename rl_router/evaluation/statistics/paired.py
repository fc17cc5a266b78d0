"""Two routers on the same queries: a confidence interval and a p-value of their mean difference.

Both routers answered every query, so what counts is the difference per query; how hard a query is cancels out. All
pairs of a table are resampled with the same weights, so that a table costs one matrix product.

`bootstrap`: queries are drawn with replacement (Efron and Tibshirani 1993, chapter 13); percentiles.
`sign_flips`: if the routers did not differ, each query's difference could as well have had the other sign (Fisher's
randomisation test for pairs; with right and wrong answers, McNemar's exact test).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

ENTRIES = 4_000_000
"""Of a block of weights [draws, n], so that memory does not grow with the draws."""
ROUNDING = 1e-6
"""Sums that are equal on paper differ in the last bits of float32; relative to the sum of all sizes."""


Factors = tuple[np.ndarray, np.ndarray]
"""Values [n, r] of r routers, and pairs of them as columns of +1 and −1 [r, p]: their product is the differences.

They give the same in far less time where there are more pairs than routers; only the queries on which some value is
unknown are then summed pair by pair.
"""


def bootstrap(
    differences: np.ndarray, *, draws: int, rng: np.random.Generator, factors: Factors | None = None
) -> np.ndarray:
    """[draws, p] means of resampled `differences` [n, p], NaN where a draw holds no known difference."""
    n, unknown = len(differences), np.isnan(differences)
    holes = np.flatnonzero(unknown.any(axis=1))
    sums, lacking = _Sums(differences, factors), unknown[holes].astype(np.float32)
    means = []
    for size in _blocks(draws, n):
        weights = _counts(size, n, rng)
        total = n - weights[:, holes] @ lacking
        means.append(np.where(total > 0, sums(weights) / np.maximum(total, 1), np.nan))
    return np.concatenate(means)


def bootstrap_interval(
    differences: np.ndarray,
    *,
    confidence: float,
    draws: int,
    rng: np.random.Generator,
    factors: Factors | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """[p] lower and [p] upper percentile of the mean of `differences` [n, p]; NaN for a pair without a known query."""
    tail = (1 - confidence) / 2
    means = bootstrap(differences, draws=draws, rng=rng, factors=factors)
    empty = np.isnan(means).all(axis=0)
    low, high = np.nanquantile(np.where(empty, 0.0, means), [tail, 1 - tail], axis=0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def sign_flips(
    differences: np.ndarray, *, draws: int, rng: np.random.Generator, factors: Factors | None = None
) -> np.ndarray:
    """[p] two-sided p-values of `differences` [n, p], by `draws` random signs; never below 1 / (draws + 1).

    A pair that never differs has p = 1, one without a known query has NaN.
    """
    known, values = ~np.isnan(differences), np.nan_to_num(differences)
    total = values.sum(axis=0)
    observed = np.abs(total) - ROUNDING * np.abs(values).sum(axis=0)
    at_least = np.zeros(values.shape[1])
    sums = _Sums(differences, factors)
    for size in _blocks(draws, len(values)):
        plus = sums(_coins(size, rng))  # what kept its sign; the rest, total − plus, is turned
        at_least += (np.abs(2 * plus - total) >= observed).sum(axis=0)
    return np.where(known.any(axis=0), (1 + at_least) / (1 + draws), np.nan)


class _Sums:
    """Weights [draws, n] to the weighted sums [draws, p] of what is known of `differences` [n, p]."""

    def __init__(self, differences: np.ndarray, factors: Factors | None) -> None:
        self.factors: np.ndarray | None = None
        by_pair: np.ndarray = np.full(len(differences), True)
        if factors is not None:
            columns, self.pairs = factors[0], factors[1].astype(np.float32)
            by_pair = np.asarray(np.isnan(columns).any(axis=1))
            self.factors = np.where(by_pair[:, None], 0.0, columns).astype(np.float32)
        self.rows = np.flatnonzero(by_pair)
        self.values = np.nan_to_num(differences[self.rows]).astype(np.float32)

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        if self.factors is None:
            return weights @ self.values
        sums = (weights @ self.factors) @ self.pairs
        return sums + weights[:, self.rows] @ self.values if len(self.rows) else sums


def _counts(size: tuple[int, int], n: int, rng: np.random.Generator) -> np.ndarray:
    """[draws, n] how often each query is drawn when n are drawn with replacement."""
    draws = size[0]
    place = rng.integers(0, n, size, dtype=np.int32) + np.arange(draws, dtype=np.int32)[:, None] * np.int32(n)
    return np.bincount(place.ravel(), minlength=draws * n).reshape(size).astype(np.float32)


def _coins(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """[draws, n] of 0 and 1, eight to the random byte."""
    draws, n = size
    noise = rng.integers(0, 256, (draws, -(-n // 8)), dtype=np.uint8)
    return np.unpackbits(noise, axis=1, count=n).astype(np.float32)


def _blocks(draws: int, n: int) -> Iterator[tuple[int, int]]:
    step = max(1, ENTRIES // max(n, 1))
    for start in range(0, draws, step):
        yield min(step, draws - start), n
