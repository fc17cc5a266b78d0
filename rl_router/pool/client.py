"""The seam between a live backend and the library that speaks to providers: one attempt goes out, one outcome comes in.

No client raises for what a server does: a page of HTML is an outcome too.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from rl_router.pool.backend import Request
from rl_router.pool.retry import is_retried
from rl_router.types import CallStatus, ModelReply, Usage


class Outcome(NamedTuple):
    """How one attempt ended, and whether the same request is worth another one."""

    reply: ModelReply
    retry: bool = False
    retry_after_s: float | None = None


class Client(Protocol):
    async def attempt(self, request: Request, url: str, key: str | None) -> Outcome: ...

    async def close(self) -> None: ...


NOTHING_BILLED = Usage()


def failure(
    model: str, status: CallStatus, reason: str, *, usage: Usage | None = NOTHING_BILLED, latency_s: float = 0.0
) -> ModelReply:
    """A reply that says why there is none. `usage` None: the provider may have billed what nobody here saw."""
    return ModelReply(
        model=model, text=reason, status=status, usage=usage or Usage(), usage_known=usage is not None,
        latency_s=latency_s,
    )  # fmt: skip


def http_failure(model: str, status: int, message: str, retry_after_s: float | None = None) -> Outcome:
    """The outcome of an HTTP status that is no success. Providers bill none of these."""
    exhausted = "insufficient_quota" in message or "exceeded your current quota" in message
    if status == 429 and exhausted:  # a 429 by number, but no wait will fill the account
        return Outcome(reply=failure(model, CallStatus.REJECTED, f"{model}: 429, {message}"))
    kind = {408: CallStatus.TIMEOUT, 429: CallStatus.RATE_LIMITED}.get(status, CallStatus.FAILED)
    if 400 <= status < 500 and not is_retried(status):
        kind = CallStatus.REJECTED
    reply = failure(model, kind, f"{model}: HTTP {status}, {message}")
    return Outcome(reply=reply, retry=is_retried(status), retry_after_s=retry_after_s)
