"""What a worker is told about a request that was served: the frozen value that goes through the store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """Of one decision. `expected_…` is what was believed of `model` before anything was learned online.

    `quality` in [0, 1] is None while nobody has said; `cost_usd` None while it is not known.
    """

    model: str
    features: np.ndarray  # [d] float32, of length 1
    expected_quality: float
    expected_cost_usd: float
    quality: float | None = None
    cost_usd: float | None = None
