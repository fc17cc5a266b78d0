"""Which splits a router may learn from, by their usual names."""

from __future__ import annotations

from collections.abc import Iterable

FIT_NAMES = ("train", "val", "valid", "validation", "dev")


def fit_splits(splits: Iterable[str]) -> list[str]:
    """Those of `splits` that are for fitting, `train` first."""
    present = set(splits)
    return [name for name in FIT_NAMES if name in present]
