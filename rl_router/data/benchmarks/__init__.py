"""The benchmarks by name. Importing this package registers every file beside it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row

__all__ = ["BENCHMARKS", "Benchmark", "Item", "Row"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
