"""Notices that a process of the run has died while the trainer waits for what it will never deliver.

verl's trainer asks its queue whether episodes are there, and not whether those that play them still live. Every actor
that can hold a step up has a name: engines, training workers, and the loops beside them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import ray


class ActorWatch:
    """`names` lists the named actors that live; they are asked for at most every `every_s` seconds."""

    def __init__(
        self, names: Callable[[], Iterable[str]] = ray.util.list_named_actors, *, every_s: float = 1.0
    ) -> None:
        self._names, self._every_s = names, every_s
        self._known: frozenset[str] = frozenset()
        self._asked_s = -every_s

    def check(self) -> None:
        """RuntimeError when an actor is gone that was there before."""
        if time.monotonic() - self._asked_s < self._every_s:
            return
        self._asked_s = time.monotonic()
        alive = frozenset(self._names())
        gone = sorted(self._known - alive)
        if gone:
            raise RuntimeError(f"{', '.join(gone)} died while the trainer waited for episodes")
        self._known |= alive
