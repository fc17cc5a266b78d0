"""The two fits that several routers share: ridge regression on text features, and a logistic curve over one number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

RESIDUAL = 1e-6
"""Of the right side's length: where the descent ends."""
STEPS = 500


def ridge(vectors: Any, targets: np.ndarray, strength: float) -> np.ndarray:
    """[d, t] weights that minimise |vectors [n, d] · w − targets [n, t]|² + strength · |w|²."""
    return ridges(vectors, targets, (strength,))[0]


def ridges(vectors: Any, targets: np.ndarray, strengths: Sequence[float]) -> np.ndarray:
    """[s, d, t] the same for several strengths, of sparse vectors for the work of one."""
    x = vectors.astype(np.float64)
    if not sparse.issparse(x):
        square, right = x.T @ x, x.T @ targets
        return np.stack([np.linalg.solve(square + strength * np.eye(x.shape[1]), right) for strength in strengths])
    transposed = x.T.tocsr()
    return conjugate_gradients(lambda w: transposed @ (x @ w), np.asarray(transposed @ targets), strengths)


def conjugate_gradients(
    square: Callable[[np.ndarray], np.ndarray], right: np.ndarray, strengths: Sequence[float]
) -> np.ndarray:
    """[s, d, t] w with square(w) + strength · w = right [d, t], for a `square` that is symmetric and not negative.

    Hestenes and Stiefel 1952. Each column descends by itself, but one product per step serves all of them, so that a
    sparse matrix is read once and not once per column. The descent is that of the least strength, which is the slowest;
    the others ride along at no product, because all their residuals are parallel (Jegerlehner 1996,
    arXiv:hep-lat/9612014, section 2.3). A column that has arrived is moved no more.
    """
    least = min(strengths)
    shift = np.array(strengths)[:, None] - least  # [s, 1]
    residual = np.array(right, dtype=np.float64)
    direction = residual.copy()
    w = np.zeros((len(shift), *right.shape))
    directions = np.broadcast_to(residual, w.shape).copy()
    ratio, ratio_before = (np.ones((len(shift), right.shape[1])) for _ in range(2))  # of residuals to the slowest one's
    step_before, turn_before = np.ones(right.shape[1]), np.zeros(right.shape[1])
    length = np.square(residual).sum(axis=0)
    enough = RESIDUAL**2 * length
    going = np.flatnonzero(length > enough)
    for _ in range(STEPS):
        if not len(going):
            break
        at = going if len(going) < right.shape[1] else slice(None)  # all of them need no copy
        ahead = direction[:, at]
        image = square(ahead) + least * ahead
        step = length[at] / (ahead * image).sum(axis=0)
        residual[:, at] -= step * image
        now = np.square(residual[:, at]).sum(axis=0)
        turn = now / length[at]
        direction[:, at] = residual[:, at] + turn * ahead

        old, older = ratio[:, at], ratio_before[:, at]
        lag = older * step_before[at]
        new = old * lag / (step * turn_before[at] * (older - old) + lag * (1.0 + shift * step))
        for k, (stride, bend) in enumerate(zip(step * new / old, turn * (new / old) ** 2, strict=True)):
            w[k][:, at] += stride * directions[k][:, at]
            directions[k][:, at] = new[k] * residual[:, at] + bend * directions[k][:, at]
        ratio_before[:, at], ratio[:, at] = old, new
        step_before[at], turn_before[at], length[at] = step, turn, now
        going = going[now > enough[going]]
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
