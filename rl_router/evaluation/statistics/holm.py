"""Many comparisons in one table: Holm's step-down correction keeps the chance of any false difference at the level."""

from __future__ import annotations

import numpy as np


def holm(p_values: np.ndarray) -> np.ndarray:
    """[p] adjusted p-values, to be held against the level as they are. NaN is no test and is not counted.

    The k-th smallest of m is multiplied by m − k + 1, and none may be below a smaller one's (Holm 1979).
    """
    p_values = np.asarray(p_values, float)
    adjusted = np.full(p_values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    m = len(order)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * np.arange(m, 0, -1)), 1.0)
    return adjusted
