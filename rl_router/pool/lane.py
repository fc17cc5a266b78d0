"""The lane to one endpoint: so many calls at once, each with a key, and none before the time that the server named."""

from __future__ import annotations

import asyncio

from rl_router.pool.clock import Clock
from rl_router.pool.keys import KeyRing


class Lane:
    """At most `width` calls at once. A key that was rate-limited rests; when all rest, the lane stands still."""

    def __init__(self, url: str, keys: KeyRing, width: int, clock: Clock) -> None:
        self.url = url
        self._keys, self._clock = keys, clock
        self._slots = asyncio.Semaphore(width)

    async def enter(self) -> str | None:
        """Wait for a slot and a key that does not rest. Whoever enters leaves."""
        await self._slots.acquire()
        try:
            while True:
                key, wait_s = self._keys.take(self._clock.now_s())
                if wait_s <= 0:
                    return key
                # Everybody wakes when the rest is over; a tenth more, drawn by each, keeps them from coming at once.
                await self._clock.sleep(wait_s * (1 + 0.1 * self._clock.chance()))
        except BaseException:
            self._slots.release()
            raise

    def leave(self) -> None:
        self._slots.release()

    def rest(self, key: str | None, wait_s: float) -> None:
        self._keys.rest(key, self._clock.now_s() + wait_s)

    def stand_still(self, wait_s: float) -> None:
        self._keys.rest_all(self._clock.now_s() + wait_s)
