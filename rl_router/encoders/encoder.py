"""What an encoder is: texts in, one vector each out, and a name and revision that say which vectors they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Encoder(Protocol):
    """Two encoders of equal `name` and `revision` give equal vectors for equal texts; the cache relies on it."""

    @property
    def name(self) -> str:
        """What `make_encoder` takes to make this encoder again."""
        ...

    @property
    def revision(self) -> str:
        """Changes when the vectors do: a digest of the weights, or the version of an algorithm."""
        ...

    @property
    def dim(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """[n, dim] float32 rows of length 1; a text in which nothing can be encoded is a row of zeros."""
        ...
