"""The two fits that several routers share: ridge regression on text features, and a logistic curve over one number."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import expit, logit


def ridge(vectors: Any, targets: np.ndarray, strength: float) -> np.ndarray:
    """[d, t] weights that minimise |vectors [n, d] · w − targets [n, t]|² + strength · |w|²."""
    if not sparse.issparse(vectors):
        x = np.asarray(vectors, dtype=np.float64)
        return np.linalg.solve(x.T @ x + strength * np.eye(x.shape[1]), x.T @ targets)
    x = vectors.astype(np.float64)
    transposed = x.T.tocsr()
    normal = LinearOperator((x.shape[1],) * 2, matvec=lambda w: transposed @ (x @ w) + strength * w, dtype=np.float64)
    right = transposed @ targets
    return np.stack([cg(normal, right[:, j], rtol=1e-8, maxiter=500)[0] for j in range(targets.shape[1])], axis=1)


def curve(difficulty: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """a and b of σ(a − b · d) by Newton's method on the log-likelihood, with a weak pull of b towards 0."""
    known = ~np.isnan(scores)
    d, s = difficulty[known], scores[known]
    a, b = float(logit(np.clip(s.mean(), 1e-3, 1 - 1e-3))), 0.0
    for _ in range(50):
        p = expit(a - b * d)
        w = np.maximum(p * (1 - p), 1e-9)
        gradient = np.array([(s - p).sum(), -(d * (s - p)).sum() - 1e-3 * b])
        curvature = np.array([[w.sum(), -(w * d).sum()], [-(w * d).sum(), (w * d * d).sum() + 1e-3]])
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        a, b = a + float(np.clip(step[0], -2, 2)), max(b + float(np.clip(step[1], -20, 20)), 0.0)
        if np.abs(step).max() < 1e-9:
            break
    return a, b
