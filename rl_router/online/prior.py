"""What to expect of a model that nobody has asked yet: the quality of models that cost and read like it.

A Gaussian process over the models that are known (Rasmussen and Williams 2006, equations 2.25 and 2.26), whose mean is
that of all of them and whose kernel says that two models are alike when their prices and their descriptions are.
"""

from __future__ import annotations

import numpy as np

OCTAVE = 3.0
"""Prices this many doublings apart say little of each other."""
SPREAD = 0.15
"""Standard deviation of the mean qualities of models that nothing is known of."""
NOISE = 0.05
"""Of a model's mean quality on a table around what its price and its description say."""


def expected_quality(
    qualities: np.ndarray, prices: np.ndarray, descriptions: np.ndarray, price: float, description: np.ndarray
) -> tuple[float, float]:
    """(mean, standard deviation) for a model, in the unit of `qualities` [k].

    `prices` [k] and `price` are USD per call or per token, all in one unit; free is taken for the lowest that is not.
    `descriptions` [k, d] and `description` [d] are of length 1, or 0 where there is none.
    """
    logs = _logs(np.append(prices, price))
    texts = np.vstack([descriptions, description])
    apart = logs[:, None] - logs[None, :]
    alike = SPREAD**2 * np.exp(-0.5 * (apart / OCTAVE) ** 2) * (1.0 + texts @ texts.T) / 2.0  # [k + 1, k + 1]
    known, cross = alike[:-1, :-1] + NOISE**2 * np.eye(len(qualities)), alike[:-1, -1]
    gain = np.linalg.solve(known, cross)
    centre = float(qualities.mean())
    variance = float(alike[-1, -1] - cross @ gain)
    return float(np.clip(centre + gain @ (qualities - centre), 0.0, 1.0)), float(np.sqrt(max(variance, 0.0)))


def _logs(prices: np.ndarray) -> np.ndarray:
    """[k] in doublings."""
    least = prices[prices > 0].min(initial=np.inf)
    return np.asarray(np.log2(np.maximum(prices, least if np.isfinite(least) else 1.0)))
