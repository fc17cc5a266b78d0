"""A budget that holds while many calls are in flight: each sets aside the most that it can cost before it goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from rl_router.pool.backend import Request
from rl_router.types import Usage

TOKENS_PER_IMAGE = 4096
TOKENS_AROUND = 64
"""For what chat templates put around messages."""
UNLIMITED_ANSWER = 16_384


class Spending:
    """`limit_usd` None sets no limit. `spent_usd` is what the run paid so far, earlier processes of it included."""

    def __init__(self, limit_usd: float | None, spent_usd: float) -> None:
        self.limit_usd, self.spent_usd = limit_usd, spent_usd
        self._set_aside_usd = 0.0
        self._waiting: list[asyncio.Future[None]] = []

    async def set_aside(self, most_usd: float) -> bool:
        """Wait until the calls in flight leave room for one more. False: they cannot, and nothing was set aside."""
        if self.limit_usd is None:
            return True
        while self.spent_usd + self._set_aside_usd + most_usd > self.limit_usd:
            if self._set_aside_usd <= 0:
                return False
            settled = asyncio.get_running_loop().create_future()
            self._waiting.append(settled)
            await settled
        self._set_aside_usd += most_usd
        return True

    def settle(self, most_usd: float, paid_usd: float) -> None:
        """A call that had set aside `most_usd` has cost `paid_usd`."""
        self.spent_usd += paid_usd
        self._set_aside_usd = max(0.0, self._set_aside_usd - most_usd)
        # what rounding leaves must not keep the last ones waiting for nobody
        if self._set_aside_usd < 1e-12:
            self._set_aside_usd = 0.0
        waiting, self._waiting = self._waiting, []
        for settled in waiting:
            if not settled.done():  # whoever waited may have been cancelled
                settled.set_result(None)


def most_usd(request: Request) -> float:
    """The most that one attempt can cost: no token is shorter than a byte, and answers end at their limit."""
    spec = request.spec
    prompt_tokens = TOKENS_AROUND + sum(_bytes(message.get("content")) for message in request.conversation)
    completion_tokens = request.max_tokens or spec.max_output_tokens or UNLIMITED_ANSWER
    return spec.price(Usage(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens))


def _bytes(content: Any) -> int:
    if isinstance(content, str):
        return len(content.encode("utf-8", "replace"))
    parts = content if isinstance(content, list) else []
    return sum(
        _bytes(part.get("text", "")) if part.get("type") == "text" else TOKENS_PER_IMAGE
        for part in parts
        if isinstance(part, Mapping)
    )
