"""rl-router: train, evaluate and serve programs that decide which language model should answer a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rl_router.serving.controller import AsyncController as AsyncController
    from rl_router.serving.controller import Controller as Controller

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The clients load the openai package, so they wait until somebody asks for them."""
    if name in ("Controller", "AsyncController"):
        from rl_router.serving import controller

        return getattr(controller, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
