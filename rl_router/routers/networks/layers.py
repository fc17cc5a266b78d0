"""Layers as pure functions of a dict of named arrays; the same line runs on numpy arrays and on torch tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = Mapping[str, Any]
"""Names to numpy arrays when routing, to torch tensors when fitting."""


def new_dense(name: str, wide: int, narrow: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights [wide, narrow] of He's variance (arXiv 1502.01852, equation 10) and a bias [narrow] of zeros."""
    weight = rng.normal(0.0, np.sqrt(2.0 / wide), (wide, narrow)).astype(np.float32)
    return {f"{name}.weight": weight, f"{name}.bias": np.zeros(narrow, np.float32)}


def dense(arrays: Arrays, name: str, x: Any) -> Any:
    """[n, wide] to [n, narrow]."""
    return x @ arrays[f"{name}.weight"] + arrays[f"{name}.bias"]


def relu(x: Any) -> Any:
    return x.clip(min=0)


def unit(x: Any) -> Any:
    """Rows divided by their length; a row of zeros stays one."""
    return x / ((x * x).sum(-1)[..., None] + 1e-12) ** 0.5


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Without overflow: 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2."""
    return 0.5 * (1.0 + np.tanh(0.5 * logits))


def as_float64(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """For routing: in double precision the size of a batch moves a score by less than any decision can see."""
    return {name: array.astype(np.float64) for name, array in arrays.items()}


def log_odds(shares: np.ndarray) -> np.ndarray:
    """The inverse of `sigmoid`, kept finite where a share is 0 or 1."""
    inside = np.clip(shares, 0.01, 0.99)
    return np.log(inside / (1.0 - inside))
