"""Time and chance as a value, so that a test of waiting neither waits nor rolls dice."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """`now_s` never goes back, `date_s` counts from 1970, `chance` is uniform in [0, 1)."""

    now_s: Callable[[], float] = time.monotonic
    date_s: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
