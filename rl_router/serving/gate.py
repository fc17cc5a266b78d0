"""The gate: so many requests at once, so many more in line for so long, and an honest 429 for the rest."""

from __future__ import annotations

import asyncio
from collections import deque

from rl_router.serving.errors import ApiError


class Gate:
    """Whoever enters leaves. `retry_after_s` tells the refused how long a place takes to become free."""

    def __init__(self, places: int, queue: int, wait_s: float) -> None:
        self._free, self._queue, self._wait_s = places, queue, wait_s
        self._places = places
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def inside(self) -> int:
        return self._places - self._free

    @property
    def waiting(self) -> int:
        return len(self._line)

    async def enter(self) -> None:
        if self._free > 0 and not self._line:
            self._free -= 1
            return
        if len(self._line) >= self._queue:
            raise self._full()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            async with asyncio.timeout(self._wait_s):
                await place
        except TimeoutError:
            self._give_up(place)
            raise self._full() from None
        except BaseException:
            self._give_up(place)
            raise

    def leave(self) -> None:
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)  # handed on, never free in between
                return
        self._free += 1

    def _give_up(self, place: asyncio.Future[None]) -> None:
        if place in self._line:
            self._line.remove(place)
        elif place.done() and not place.cancelled():
            self.leave()  # it was handed over in the moment of giving up

    def _full(self) -> ApiError:
        message = f"the gateway is full: {self._places} requests run and {len(self._line)} wait; try again"
        return ApiError(429, message, code="gateway_full", retry_after_s=min(self._wait_s, 5.0))
