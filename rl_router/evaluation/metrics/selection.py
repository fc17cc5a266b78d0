"""What the chosen models did: one column of a [n, m] matrix per query."""

from __future__ import annotations

import numpy as np

from rl_router.errors import DataError


def chosen(values: np.ndarray, choices: np.ndarray) -> np.ndarray:
    """[n] the entry of `values` [n, m] in column `choices` [n] of each row."""
    values, choices = np.asarray(values), np.asarray(choices)
    if values.ndim != 2 or choices.shape != values.shape[:1]:
        raise DataError(f"Expected values [n, m] and choices [n], got {values.shape} and {choices.shape}.")
    if choices.size and not (choices.min() >= 0 and choices.max() < values.shape[1]):
        raise DataError(
            f"A choice is a column from 0 to {values.shape[1] - 1}, got {choices.min()} to {choices.max()}."
        )
    return np.take_along_axis(values, choices[:, None], axis=1)[:, 0]


def known_mean(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """The mean of what is known, NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
