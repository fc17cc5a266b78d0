"""What answering cost, all in: prompt, cached, reasoning and completion tokens, failed calls, the router's own tokens.

The parts are priced where they arise (`rl_router/pool/ledger.py`); here they are added up. A part that is unknown
makes the sum unknown: a bill with a missing line is not a small bill.
"""

from __future__ import annotations

import numpy as np

from rl_router.errors import DataError
from rl_router.evaluation.metrics.selection import known_mean

QUERIES_PER_PRICE = 1000


def all_in_usd(
    calls_usd: np.ndarray, *, failed_usd: np.ndarray | float = 0.0, own_usd: np.ndarray | float = 0.0
) -> np.ndarray:
    """[n] USD of each query: the calls that answered, the calls that failed, and what the router itself consumed."""
    total = np.asarray(calls_usd, float) + failed_usd + own_usd
    if np.any(total < 0):
        raise DataError(f"Expected costs of zero or more, got {np.nanmin(total):g} USD; a price or a sign is wrong.")
    return total


def usd_per_query(cost_usd: np.ndarray) -> float:
    """The mean of `cost_usd` [n], USD."""
    return float(known_mean(cost_usd))


def usd_per_thousand(cost_usd: np.ndarray) -> float:
    """USD of a thousand queries like these."""
    return QUERIES_PER_PRICE * usd_per_query(cost_usd)
