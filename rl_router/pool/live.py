"""A backend of real models: each call takes a lane to its endpoint, tries again where that may help, and says what
every try cost. However a provider behaves, what comes back is a reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from rl_router.pool.backend import Request
from rl_router.pool.client import Client, Outcome, failure
from rl_router.pool.clock import Clock
from rl_router.pool.deadlines import Deadlines, Within
from rl_router.pool.keys import Mask
from rl_router.pool.lane import Lane
from rl_router.pool.retry import Retry
from rl_router.types import Attempt, CallStatus, ModelReply


class Attempts(Protocol):
    """Hears of each try before it goes out and when it has ended, before any wait: what was paid is known even if this
    process ends during the wait."""

    def sent(self, request: Request) -> None: ...

    def charge(self, request: Request, reply: ModelReply) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long one try may take, and a call with all its tries and waits."""

    call_s: float = 120.0
    total_s: float = 600.0


class LiveBackend:
    """`lanes` maps a model's name to the lane of its endpoint."""

    def __init__(
        self,
        client: Client,
        lanes: Mapping[str, Lane],
        *,
        retry: Retry,
        patience: Patience,
        mask: Mask,
        clock: Clock,
        attempts: Attempts | None = None,
    ) -> None:
        self._client, self._lanes, self._retry, self._patience = client, lanes, retry, patience
        self._mask, self._clock, self._attempts = mask, clock, attempts
        self._deadlines = Deadlines()

    async def complete(self, request: Request) -> ModelReply:
        lane = self._lanes[request.spec.name]
        ends_s = self._clock.now_s() + self._patience.total_s
        earlier: list[Attempt] = []
        while True:
            outcome = await self._attempt(lane, request, ends_s)
            reply = self._masked(outcome.reply)
            if self._attempts is not None:
                self._attempts.charge(request, reply)
            if not outcome.retry:
                return replace(reply, earlier=tuple(earlier)) if earlier else reply
            wait_s = self._retry.pause_s(len(earlier) + 1, self._clock.chance())
            wait_s = max(wait_s, outcome.retry_after_s or 0.0)
            if len(earlier) + 1 >= self._retry.attempts or self._clock.now_s() + wait_s >= ends_s:
                return replace(reply, earlier=tuple(earlier))
            usage = reply.usage if reply.usage_known else None
            earlier.append(Attempt(status=reply.status, usage=usage, reason=reply.text))
            if outcome.retry_after_s is None:
                await self._clock.sleep(wait_s)

    async def _attempt(self, lane: Lane, request: Request, ends_s: float) -> Outcome:
        """One try within the time that is left. Only after it went out can it have cost anything."""
        model = request.spec.name
        try:
            key = await lane.enter(ends_s - self._clock.now_s())
        except TimeoutError as error:
            return Outcome(reply=failure(model, CallStatus.TIMEOUT, f"{model}: {error}."))
        left_s = min(self._patience.call_s, ends_s - self._clock.now_s())
        try:
            if self._attempts is not None:
                self._attempts.sent(request)
            with Within(self._deadlines, left_s):
                outcome = await self._client.attempt(request, lane.url, key)
        except TimeoutError:
            reason = f"{model} did not answer within {left_s:.3g} seconds."
            return Outcome(reply=failure(model, CallStatus.TIMEOUT, reason, usage=None))
        finally:
            lane.leave()
        self._heed(lane, key, outcome)
        return outcome

    def _heed(self, lane: Lane, key: str | None, outcome: Outcome) -> None:
        """A limit belongs to the key that met it, any other Retry-After to the whole endpoint."""
        if outcome.reply.status is CallStatus.RATE_LIMITED:
            lane.rest(key, outcome.retry_after_s or 0.0)
        elif outcome.retry_after_s:
            lane.stand_still(outcome.retry_after_s)

    def _masked(self, reply: ModelReply) -> ModelReply:
        text = self._mask.text(reply.text)
        return reply if text is reply.text else replace(reply, text=text)

    async def close(self) -> None:
        await self._client.close()
