"""Many texts are encoded in batches of like length, with a bar when it takes a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import numpy as np

BAR_FROM = 1000
"""Texts from which on a bar is shown: fewer are done before one would look."""


def in_batches(
    texts: Sequence[str], encode: Callable[[list[str]], np.ndarray], *, dim: int, size: int, label: str
) -> np.ndarray:
    """[n, dim] the rows of `encode`, called with at most `size` texts at a time.

    Texts of like length share a batch, so that little is padded; the longest come first, so that what does not fit
    into memory fails at once.
    """
    from rl_router.observe.console import StepProgress

    rows = np.zeros((len(texts), dim), dtype=np.float32)
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    starts = range(0, len(texts), size)
    long = len(texts) >= BAR_FROM and len(starts) > 1
    with StepProgress(label, len(starts)) if long else nullcontext() as bar:
        for step, start in enumerate(starts, start=1):
            indices = order[start : start + size]
            rows[indices] = encode([texts[i] for i in indices])
            if bar is not None:
                bar.update(step, {})
    return rows


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """[n, dim] float32 with every row scaled to length 1; zeros stay zeros."""
    rows = np.asarray(rows, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)
