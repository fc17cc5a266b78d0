"""The gateway's endpoints as the backend of a pool, for what asks several models itself.

A call shares the breakers, keys and limits of the requests that are relayed, and ends with the request that it is for.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rl_router.pool.backend import Request
from rl_router.pool.chat import ErrorInBody, Unreadable, error_message, read_body, reply_of, request_body
from rl_router.serving.dialect import CHAT
from rl_router.serving.job import ServeLimits
from rl_router.serving.json_bytes import dumps
from rl_router.serving.upstream import UpstreamError, kind_of_refusal
from rl_router.types import CallStatus, ModelReply, Usage

if TYPE_CHECKING:
    from rl_router.serving.catalog import Catalog


class UpstreamBackend:
    """`deadline_s` is that of the request, on the monotonic clock."""

    def __init__(self, catalog: Catalog, limits: ServeLimits, deadline_s: float) -> None:
        self._catalog, self._limits, self._deadline_s = catalog, limits, deadline_s

    async def complete(self, request: Request) -> ModelReply:
        """Whatever goes wrong is the status of the reply."""
        name, breaker = request.spec.name, self._catalog.breakers[request.spec.name, CHAT.path]
        began_s = time.perf_counter()
        if self._deadline_s - time.monotonic() <= 0:
            return ModelReply(model=name, text="the deadline passed", status=CallStatus.TIMEOUT)
        if not breaker.admits(time.monotonic()):
            return ModelReply(model=name, text=f"{name} rests after failures", status=CallStatus.FAILED)
        try:
            status, data = await self._post(request)
        except UpstreamError as error:
            breaker.failed(time.monotonic())
            return _failure(name, error.status, error.reason, began_s, usage_known=not error.billed_unknown)
        if not 200 <= status < 300:
            kind, is_ours = kind_of_refusal(status)
            breaker.succeeded() if is_ours else breaker.failed(time.monotonic())
            return _failure(name, kind, error_message(data), began_s)
        try:
            answer = read_body(data)
        except Unreadable as error:
            breaker.failed(time.monotonic())
            return _failure(name, CallStatus.UNREADABLE, str(error), began_s, error.usage, error.usage is not None)
        except ErrorInBody as error:
            breaker.failed(time.monotonic())
            return _failure(name, CallStatus.FAILED, str(error), began_s, usage_known=False)
        breaker.succeeded()
        return reply_of(answer, model=name, latency_s=time.perf_counter() - began_s)

    async def _post(self, request: Request) -> tuple[int, bytes]:
        spec = request.spec
        body = dumps(request_body(request, spec.endpoint or "", stream=False))
        left_s = self._deadline_s - time.monotonic()
        reply = await self._catalog.upstream.post(
            spec, CHAT.path, body, wait_s=self._limits.call_s, total_s=left_s
        )  # fmt: skip
        try:
            data = await reply.read(max(0.0, self._deadline_s - time.monotonic()))
            return reply.status, self._catalog.mask.body(data)
        finally:
            reply.close()


def _failure(
    name: str, status: CallStatus, reason: str, began_s: float, usage: Usage | None = None, usage_known: bool = True
) -> ModelReply:
    return ModelReply(
        model=name, text=reason, status=status, latency_s=time.perf_counter() - began_s, usage=usage or Usage(),
        usage_known=usage_known,
    )  # fmt: skip
