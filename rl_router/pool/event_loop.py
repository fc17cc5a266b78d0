"""Which event loop many calls at once run on."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec


def event_loop() -> Callable[[], AbstractEventLoop] | None:
    """uvloop where it is installed (it takes an eighth less CPU per call), else asyncio's own."""
    return import_module("uvloop").new_event_loop if find_spec("uvloop") else None
