"""A mean with its standard error."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Mean:
    """Of the `n` known values. `se` has n − 1 degrees of freedom and is NaN for n < 2."""

    value: float
    se: float
    n: int

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Normal, which for the hundreds of queries of a benchmark is what Student's would be."""
        reach = normal_quantile(confidence) * self.se
        return self.value - reach, self.value + reach


def mean(values: np.ndarray) -> Mean:
    """Of `values` [n]; NaN for no known value."""
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    n = len(known)
    return Mean(
        value=float(known.mean()) if n else float("nan"),
        se=float(known.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
        n=n,
    )


def normal_quantile(confidence: float) -> float:
    """How many standard errors a two-sided interval reaches: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)
