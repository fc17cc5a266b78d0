"""How far a router is from the clairvoyant one, which sees every answer and every bill before it chooses."""

from __future__ import annotations

import numpy as np

from rl_router.evaluation.statistics.mean import Mean, mean


def oracle_choices(quality: np.ndarray, cost_usd: np.ndarray | None = None) -> np.ndarray:
    """[n] the best model of each query by `quality` [n, m]; of equally good ones the cheapest, then the first.

    An unknown quality is never chosen over a known one; an unknown cost counts as the dearest.
    """
    best = np.where(np.isnan(quality), -np.inf, quality)
    tied = best == best.max(axis=1, keepdims=True)
    price = np.zeros_like(best) if cost_usd is None else np.where(np.isnan(cost_usd), np.inf, cost_usd)
    price = np.where(tied, price, np.inf)
    cheapest = price == price.min(axis=1, keepdims=True)  # where every tied price is unknown, all of them
    return np.argmax(tied & cheapest, axis=1)


def regret(quality: np.ndarray, oracle_quality: np.ndarray) -> np.ndarray:
    """[n] what the oracle's choice was better by; NaN where either is unknown. Its mean is the router's regret."""
    return np.asarray(oracle_quality, float) - np.asarray(quality, float)


def gap_closed(quality: np.ndarray, reference: np.ndarray, oracle_quality: np.ndarray) -> Mean:
    """Share of the way from `reference` [n] (such as the best single model) to the oracle: 1 is the oracle.

    Over the queries that all three know; negative when the router is worse than the reference. The standard error is
    that of a ratio of paired means (delta method). Both are NaN where the gap is no larger than two of its own standard
    errors: the share of something that may be nothing says nothing.
    """
    known = ~(np.isnan(quality) | np.isnan(reference) | np.isnan(oracle_quality))
    gain, gap = (np.asarray(values, float)[known] - reference[known] for values in (quality, oracle_quality))
    whole = mean(gap)
    if not whole.value > 2 * whole.se:
        return Mean(value=float("nan"), se=float("nan"), n=whole.n)
    share = float(gain.mean()) / whole.value
    return Mean(value=share, se=mean(gain - share * gap).se / whole.value, n=whole.n)
