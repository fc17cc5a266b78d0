"""The lane to one endpoint: so many calls at once, each with a key, and none before the time that the server named."""

from __future__ import annotations

import asyncio
from collections import deque

from rl_router.pool.clock import Clock
from rl_router.pool.deadlines import Deadlines
from rl_router.pool.keys import KeyRing


class Lane:
    """At most `width` calls at once, first come, first served. A key that was rate-limited rests; when all rest, the
    lane stands still."""

    def __init__(self, url: str, keys: KeyRing, width: int, clock: Clock) -> None:
        self.url = url
        self._keys, self._clock = keys, clock
        self._free = width
        # asyncio.Semaphore looks through everybody whom it has woken before it wakes the next
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._deadlines = Deadlines()

    async def enter(self, within_s: float) -> str | None:
        """Wait for a place and a key that does not rest, or raise TimeoutError. Whoever enters leaves."""
        ends_s = self._clock.now_s() + within_s
        await self._place(within_s)
        try:
            while True:
                now_s = self._clock.now_s()
                key, wait_s = self._keys.take(now_s)
                if wait_s <= 0:
                    return key
                if now_s + wait_s > ends_s:
                    raise TimeoutError(f"every key rests for {wait_s:.0f} more seconds")
                # Everybody wakes when the rest is over; a tenth more, drawn by each, keeps them from coming at once.
                await self._clock.sleep(wait_s * (1 + 0.1 * self._clock.chance()))
        except BaseException:
            self.leave()
            raise

    async def _place(self, within_s: float) -> None:
        if self._free > 0:
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        deadline = self._deadlines.add(within_s, lambda: _give_up(place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # the place came at the moment of the cancellation
            raise
        finally:
            self._deadlines.take_back(deadline)

    def leave(self) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def rest(self, key: str | None, wait_s: float) -> None:
        self._keys.rest(key, self._clock.now_s() + wait_s)

    def stand_still(self, wait_s: float) -> None:
        self._keys.rest_all(self._clock.now_s() + wait_s)


def _give_up(place: asyncio.Future[None]) -> None:
    if not place.done():
        place.set_exception(TimeoutError("no free place in time"))
