"""The gateway as an ASGI application: one table of endpoints, one place where every error takes OpenAI's form.

No framework stands between a request and its endpoint: what is relayed is neither parsed into models nor written anew,
and at a millisecond a request a framework's own work would be most of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

from rl_router.errors import RouterError
from rl_router.serving.accounts import Accounts
from rl_router.serving.catalog import Catalog
from rl_router.serving.endpoints import ELSEWHERE, endpoint_at
from rl_router.serving.errors import ApiError, api_error
from rl_router.serving.gate import Gate
from rl_router.serving.inbound import ClientGone, Inbound, Receive, Send
from rl_router.serving.job import ServeJob
from rl_router.serving.metrics import Metrics
from rl_router.serving.request_log import RequestLog
from rl_router.serving.telemetry import Spans
from rl_router.serving.trace import Trace

log = logging.getLogger("rl_router.serving")

SHARE_EVERY_S = 1.0
"""How often what accounts have spent is written down and read back."""


class Gateway:
    """`catalog` may be swapped at any time; everything else lives as long as the process."""

    def __init__(self, job: ServeJob, environment: Mapping[str, str], *, workers: int = 1) -> None:
        self.job, self.environment = job, environment
        self.catalog = Catalog.open(job, environment)
        self.accounts = Accounts(job.keys, workers=workers)
        self.gate = Gate(job.limits.in_flight, job.limits.queue, job.limits.queue_s)
        self.log = RequestLog(job.log, contents=job.log_contents)
        self.metrics = Metrics(several=workers > 1)
        self._spans = Spans() if job.telemetry else None
        self.draining = False
        self._workers = workers
        self._sharing: asyncio.Task[None] | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(Inbound(scope, receive, send))

    async def _serve(self, inbound: Inbound) -> None:
        trace = Trace(request_id=inbound.request_id, endpoint=ELSEWHERE)
        inbound.closing = self.draining
        try:
            trace.endpoint, endpoint = endpoint_at(inbound.path, inbound.method)
            self._check_headers(inbound)
            if endpoint.needs_key:
                trace.account = self.accounts.of(inbound.headers)
            if not endpoint.is_work:
                await endpoint.run(self, inbound, trace)
                return
            trace.is_logged = endpoint.is_logged
            trace.account.admit(time.monotonic())
            await self.gate.enter()
            try:
                await endpoint.run(self, inbound, trace)
            finally:
                self.gate.leave()
        except (ClientGone, asyncio.CancelledError):
            trace.outcome, trace.http_status = "client_gone", 499
            self.settle(trace)
        except Exception as error:
            await self._fail(inbound, trace, error)

    async def _fail(self, inbound: Inbound, trace: Trace, error: Exception) -> None:
        if isinstance(error, RouterError):
            error = api_error(error)
        if not isinstance(error, ApiError):
            log.error("%s failed", inbound.request_id, exc_info=_without_contents(error))
            error = ApiError(500, f"the gateway failed; its log has more under {inbound.request_id}")
        if inbound.started:  # a status is out already: what is left is to end the connection, so that all see it
            self.settle(trace)
            raise error
        trace.http_status = error.status
        self.settle(trace)
        await inbound.reply(error.status, error.body, [*error.headers, *trace.headers()])

    def settle(self, trace: Trace) -> None:
        """Once per request: its line, its metrics, its account."""
        if trace.settled:
            return
        trace.settled = True
        trace.account.pay(trace.cost_usd)
        self.metrics.observe(trace)
        if trace.is_logged:
            self.log.write(trace)
            if self._spans is not None:
                self._spans.write(trace)

    async def reload(self) -> None:
        """Read everything anew and swap it in; on an error all stays as it is. Requests keep what they began with."""
        fresh = await asyncio.to_thread(Catalog.open, self.job, self.environment)
        try:
            accounts = Accounts(self.job.keys, workers=self._workers)
        except BaseException:
            await fresh.close()
            raise
        old, self.catalog = self.catalog, fresh
        self.accounts.close()
        self.accounts = accounts
        # closed when the longest request that may still use it has ended
        loop = asyncio.get_running_loop()
        loop.call_later(self.job.limits.total_s, lambda: loop.create_task(old.close()))

    def _check_headers(self, inbound: Inbound) -> None:
        size = sum(len(name) + len(value) for name, value in inbound.headers.items())
        if size > self.job.limits.header_bytes:
            raise ApiError(431, f"the headers are larger than {self.job.limits.header_bytes} bytes")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._sharing = asyncio.create_task(self._share())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._sharing.cancel()
        await self.catalog.close()
        self.accounts.close()
        self.log.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _share(self) -> None:
        while True:
            await asyncio.sleep(SHARE_EVERY_S)
            self.accounts.share()


def _without_contents(error: Exception) -> Exception:
    """The kind and the place of an error; its message may hold what a client wrote."""
    return type(error)("(its message is left out: it may hold contents)").with_traceback(error.__traceback__)
