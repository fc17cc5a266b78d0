"""The two fits that several routers share: ridge regression on text features, and a logistic curve over one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

RESIDUAL = 1e-8
"""Of the right side's length: where the descent ends."""
STEPS = 500


def ridge(vectors: Any, targets: np.ndarray, strength: float) -> np.ndarray:
    """[d, t] weights that minimise |vectors [n, d] · w − targets [n, t]|² + strength · |w|²."""
    if not sparse.issparse(vectors):
        x = np.asarray(vectors, dtype=np.float64)
        return np.linalg.solve(x.T @ x + strength * np.eye(x.shape[1]), x.T @ targets)
    x = vectors.astype(np.float64)
    transposed = x.T.tocsr()
    return conjugate_gradients(lambda w: transposed @ (x @ w) + strength * w, np.asarray(transposed @ targets))


def conjugate_gradients(normal: Callable[[np.ndarray], np.ndarray], right: np.ndarray) -> np.ndarray:
    """[d, t] w with normal(w) = right [d, t], for a `normal` that is symmetric and positive.

    Hestenes and Stiefel 1952, each column a descent of its own; one product per step serves all of them, so that a
    sparse matrix is read once and not once per column. A column that has arrived is moved no more.
    """
    w, residual = np.zeros_like(right, dtype=np.float64), np.array(right, dtype=np.float64)
    direction, length = residual.copy(), np.square(residual).sum(axis=0)
    enough = RESIDUAL**2 * length
    going = np.flatnonzero(length > enough)
    for _ in range(STEPS):
        if not len(going):
            break
        ahead = direction[:, going]
        image = normal(ahead)
        step = length[going] / (ahead * image).sum(axis=0)
        w[:, going] += step * ahead
        residual[:, going] -= step * image
        before, length[going] = length[going], np.square(residual[:, going]).sum(axis=0)
        direction[:, going] = residual[:, going] + length[going] / before * ahead
        going = going[length[going] > enough[going]]
    return w


def curve(difficulty: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """a and b ≥ 0 of σ(a − b · d) by Newton's method on the log-likelihood, with a weak pull of b towards 0."""
    known = ~np.isnan(scores)
    d, s = difficulty[known], scores[known]
    a, b = float(logit(np.clip(s.mean(), 1e-3, 1 - 1e-3))), 0.0
    for _ in range(50):
        p = expit(a - b * d)
        w = np.maximum(p * (1 - p), 1e-9)
        gradient = np.array([(s - p).sum(), -(d * (s - p)).sum() - 1e-3 * b])
        curvature = np.array([[w.sum(), -(w * d).sum()], [-(w * d).sum(), (w * d * d).sum() + 1e-3]])
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        if b == 0.0 and step[1] < 0.0:  # b stays at its bound, so a moves alone: the joint step counts on b's
            step = np.array([gradient[0] / w.sum(), 0.0])
        a, b = a + float(np.clip(step[0], -2, 2)), max(b + float(np.clip(step[1], -20, 20)), 0.0)
        if np.abs(step).max() < 1e-9:
            break
    return a, b
