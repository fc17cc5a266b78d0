"""Many deadlines and one timer, set for the earliest: a timer for each call takes more CPU than its bookkeeping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count


class Deadlines:
    """For one event loop. Almost every deadline is taken back before it is due, and then nothing happens."""

    def __init__(self) -> None:
        self._numbers = count()
        self._due: dict[int, tuple[float, Callable[[], object]]] = {}  # loop's time, and what happens then
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = float("inf")

    def add(self, within_s: float, act: Callable[[], object]) -> int:
        """Call `act` in `within_s` seconds, unless the number that this returns is taken back before."""
        number = next(self._numbers)
        due_s = asyncio.get_running_loop().time() + within_s
        self._due[number] = due_s, act
        if due_s < self._timer_s:
            self._set(due_s)
        return number

    def take_back(self, number: int) -> None:
        self._due.pop(number, None)

    def _set(self, due_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due_s, self._pass)
        self._timer_s = due_s

    def _pass(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for number in [number for number, (due_s, _) in self._due.items() if due_s <= now_s]:
            self._due.pop(number)[1]()
        self._timer, self._timer_s = None, float("inf")
        if self._due:
            self._set(min(due_s for due_s, _ in self._due.values()))
