"""rl-router: train, evaluate and serve programs that decide which language model should answer a query."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`Controller` and `AsyncController` load the openai package, so they wait until somebody asks for them."""
    if name in ("Controller", "AsyncController"):
        return getattr(import_module("rl_router.serving.controller"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
