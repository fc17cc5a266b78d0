"""A circuit breaker per model: one that keeps failing is left alone for a while, then tried by a single call.

Nygard, Release It!, 2007: closed, open, half open.
"""

from __future__ import annotations

from rl_router.serving.job import BreakerSetting


class Breaker:
    def __init__(self, setting: BreakerSetting) -> None:
        self._setting = setting
        self._failures = 0
        self._rests_until_s = 0.0
        self._trying_since_s: float | None = None

    def admits(self, now_s: float) -> bool:
        """Whether a call may go out. Of those that ask after the rest, the first may, and the others wait for it."""
        if self._failures < self._setting.failures:
            return True
        if now_s < self._rests_until_s:
            return False
        # a trial whose end nobody reported, such as one whose client left, gives way to the next
        if self._trying_since_s is not None and now_s - self._trying_since_s < self._setting.rest_s:
            return False
        self._trying_since_s = now_s
        return True

    def rest_s(self, now_s: float) -> float:
        """How long it will still be left alone."""
        return max(0.0, self._rests_until_s - now_s)

    def succeeded(self) -> None:
        self._failures, self._trying_since_s = 0, None

    def failed(self, now_s: float) -> None:
        self._failures += 1
        self._trying_since_s = None
        if self._failures >= self._setting.failures:
            self._rests_until_s = now_s + self._setting.rest_s

    @property
    def state(self) -> str:
        if self._failures < self._setting.failures:
            return "closed"
        return "open" if self._trying_since_s is None else "half_open"
