"""From a similarity or a margin to a predicted score, without changing which is higher."""

from __future__ import annotations

import numpy as np

from rl_router.routers.networks.layers import log_odds, sigmoid

STEPS = 50
FLATTEST = 1e-3
"""The least slope, so that the order of similarities stays the order of scores."""


def fit_sigmoid(similarity: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Slope and height of score ≈ sigmoid(slope · similarity + height), by Newton's method (Platt 1999).

    Both are [n, m]; where the score is NaN it is left out.
    """
    known = ~np.isnan(scores)
    x, y = similarity[known].astype(np.float64), scores[known].astype(np.float64)
    inputs = np.stack([x, np.ones_like(x)], axis=1)
    found = np.array([0.0, float(log_odds(y.mean()))])
    for _ in range(STEPS):
        p = sigmoid(inputs @ found)
        slope = inputs.T @ (p - y) + 1e-3 * found
        curve = (inputs * (p * (1.0 - p))[:, None]).T @ inputs + 1e-3 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    return max(float(found[0]), FLATTEST), float(found[1])


def fit_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope, at least FLATTEST, and height of the line of least squares through [n] points."""
    spread = float(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread > 1e-12 else 0.0
    slope = max(slope, FLATTEST)
    return slope, float(y.mean()) - slope * float(x.mean())
