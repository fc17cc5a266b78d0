"""Metrics of your own: what the files of ./custom_tasks make of a router's choices."""

from __future__ import annotations

from math import isfinite

import numpy as np

from rl_router.data.custom import METRICS, load_custom_tasks
from rl_router.errors import DataError


def custom_values(quality: np.ndarray, cost_usd: np.ndarray) -> dict[str, float | None]:
    """Every custom metric by name, of the quality [n] and cost [n] of what a router chose. None: no finite number."""
    load_custom_tasks()
    values: dict[str, float | None] = {}
    for name in METRICS:
        value = METRICS.get(name)(quality, cost_usd)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise DataError(f"The metric {name!r} gave {value!r}; it should give one number.") from None
        values[name] = number if isfinite(number) else None
    return values
