"""Random numbers that a seed and names decide, in every process and on every machine alike."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def uniform(*parts: object) -> float:
    """A number in [0, 1)."""
    return _digest(parts) / 2**64


def generator(*parts: object) -> np.random.Generator:
    return np.random.default_rng(_digest(parts))


def _digest(parts: tuple[object, ...]) -> int:
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
