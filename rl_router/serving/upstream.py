"""The seam to the models: a body goes to an endpoint, and its status, headers and bytes come back as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from rl_router.pool.retry import is_retried
from rl_router.pool.spec import ModelSpec
from rl_router.types import CallStatus

DEADLINE = "x-rl-router-deadline-s"
"""The seconds that are left for a request: read from clients and sent to upstreams, so that a chain of gateways ends
together."""


ANOTHER_MAY = (401, 403, 404)
"""A provider that refuses our key, or does not know its own model, says nothing about the request."""


def kind_of_refusal(status: int) -> tuple[CallStatus, bool]:
    """How a call ended that got this status, and whether the request is to blame, so that no other model takes it."""
    is_ours = not (is_retried(status) or status in ANOTHER_MAY or status < 400)
    if is_ours or status in ANOTHER_MAY:
        return CallStatus.REJECTED, is_ours
    return {408: CallStatus.TIMEOUT, 429: CallStatus.RATE_LIMITED}.get(status, CallStatus.FAILED), is_ours


class UpstreamError(Exception):
    """No status came. `billed_unknown`: the request went out, so the provider may have billed it."""

    def __init__(
        self, status: CallStatus, reason: str, *, billed_unknown: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(reason)
        self.status, self.reason, self.billed_unknown = status, reason, billed_unknown
        self.retry_after_s = retry_after_s


class Reply(Protocol):
    """A status that has come, and a body that may still be coming. Whoever got it closes it."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def is_stream(self) -> bool: ...

    async def read(self, idle_s: float) -> bytes:
        """The whole body; UpstreamError when it breaks off, or nothing comes for `idle_s`."""
        ...

    def pieces(self, idle_s: float) -> AsyncIterator[bytes]:
        """The body as it arrives, unread: a key that a careless proxy echoes is still in it."""
        ...

    def close(self) -> None:
        """Gives the connection back, or ends it when the body has not been read to its end."""
        ...


class Upstream(Protocol):
    async def post(self, spec: ModelSpec, path: str, body: bytes, *, wait_s: float, total_s: float) -> Reply:
        """`wait_s` bounds the time to the status, `total_s` is what is left for all; UpstreamError when none comes."""
        ...

    async def close(self) -> None: ...
