"""Whether predictions mean what they say: of the answers called 80 % right, are 80 % right; is $1 predicted $1 paid.

Expected calibration error: https://arxiv.org/abs/1706.04599, equation 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rl_router.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """Predictions in [low, high), the last bin with its end. `observed_se` is the standard error of `observed`."""

    low: float
    high: float
    count: int
    predicted: float
    observed: float
    observed_se: float


def reliability(predicted: np.ndarray, observed: np.ndarray, *, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Bins of equal width over [0, 1], empty ones left out. Both arrays of one shape; unknown pairs are left out."""
    predicted, observed = _known_pairs(predicted, observed)
    if len(predicted) and (predicted.min() < 0 or predicted.max() > 1):
        raise DataError(
            f"Expected predicted qualities in 0..1, got {predicted.min():g} to {predicted.max():g}; "
            "scale the scores before calibrating them."
        )
    place = np.minimum((predicted * bins).astype(int), bins - 1)
    return tuple(
        _bin(predicted[place == i], observed[place == i], i / bins, (i + 1) / bins)
        for i in range(bins)
        if np.any(place == i)
    )


def expected_calibration_error(predicted: np.ndarray, observed: np.ndarray, *, bins: int = 10) -> float:
    """Σ share of a bin · |observed − predicted|. In [0, 1], 0 is calibrated; NaN without a known pair."""
    rows = reliability(predicted, observed, bins=bins)
    total = sum(row.count for row in rows)
    gaps = sum(row.count * abs(row.observed - row.predicted) for row in rows)
    return gaps / total if total else float("nan")


@dataclass(frozen=True, kw_only=True, slots=True)
class CostCalibration:
    """How predicted and paid USD compare.

    `bias`: the sum predicted over the sum paid, 1 when the bill is as announced.
    `relative_error`: the median over calls of |predicted − paid| / paid, among calls that cost something.
    """

    bias: float
    relative_error: float
    count: int


def cost_calibration(predicted_usd: np.ndarray, paid_usd: np.ndarray) -> CostCalibration:
    """Over the calls with both numbers; NaN where nothing was paid."""
    predicted, paid = _known_pairs(predicted_usd, paid_usd)
    priced = paid > 0
    if not priced.any():
        return CostCalibration(bias=float("nan"), relative_error=float("nan"), count=len(paid))
    errors = np.abs(predicted[priced] - paid[priced]) / paid[priced]
    return CostCalibration(
        bias=float(predicted.sum() / paid.sum()), relative_error=float(np.median(errors)), count=len(paid)
    )


def _bin(predicted: np.ndarray, observed: np.ndarray, low: float, high: float) -> ReliabilityBin:
    n = len(observed)
    return ReliabilityBin(
        low=low,
        high=high,
        count=n,
        predicted=float(predicted.mean()),
        observed=float(observed.mean()),
        observed_se=float(observed.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
    )


def _known_pairs(predicted: np.ndarray, observed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    predicted, observed = np.asarray(predicted, float), np.asarray(observed, float)
    if predicted.shape != observed.shape:
        raise DataError(f"Expected two arrays of one shape, got {predicted.shape} and {observed.shape}.")
    known = ~(np.isnan(predicted) | np.isnan(observed))
    return predicted[known], observed[known]
