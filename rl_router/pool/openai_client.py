"""Any OpenAI-compatible endpoint over HTTP/1.1 with kept connections, at little CPU per call.

Over aiohttp: httpx looks through all of its connections for every request, which at 256 in flight costs several times
what aiohttp does (`python evaluation/benchmark_collect.py` measures both).
"""

from __future__ import annotations

import json
from functools import cache
from time import perf_counter
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from rl_router.pool.backend import Request
from rl_router.pool.chat import (
    Answer,
    ErrorInBody,
    Unreadable,
    error_message,
    read_body,
    read_events,
    reply_of,
    request_body,
    salvaged_usage,
)
from rl_router.pool.client import Outcome, failure, http_failure
from rl_router.pool.clock import Clock
from rl_router.pool.keys import Mask
from rl_router.pool.retry import is_retried, retry_after_s
from rl_router.types import CallStatus

MAX_BODY_BYTES = 64 * 2**20
IDLE_S = 60.0


class OpenAIClient:
    """One pool of connections for all endpoints; `mask` keeps keys that a server echoes out of whatever is read."""

    def __init__(self, *, stream: bool, mask: Mask, clock: Clock) -> None:
        self._stream, self._mask, self._clock = stream, mask, clock
        self._session: aiohttp.ClientSession | None = None

    async def attempt(self, request: Request, url: str, key: str | None) -> Outcome:
        model = request.spec.name
        headers = {"content-type": "application/json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        data = json.dumps(request_body(request, url, stream=self._stream), ensure_ascii=False).encode()
        partial = bytearray()
        began_s = perf_counter()
        try:
            # a redirect would carry the key to another host
            async with self._open().post(
                f"{url}/chat/completions", data=data, headers=headers, allow_redirects=False, proxy=proxy_for(url)
            ) as response:
                async for chunk in response.content.iter_any():
                    partial += chunk
                    if len(partial) > MAX_BODY_BYTES:
                        reason = f"{model}: the body has more than {MAX_BODY_BYTES // 2**20} MiB."
                        return Outcome(reply=failure(model, CallStatus.UNREADABLE, reason, usage=None))
        except (aiohttp.ClientError, OSError) as error:
            # A connection that was never made sent nothing; one that broke may have been billed, in part or whole.
            unsent = isinstance(error, aiohttp.ClientConnectorError)
            reason = f"{model}: the connection {'failed' if unsent else 'broke'} ({type(error).__name__})."
            reply = failure(model, CallStatus.FAILED, reason) if unsent else failure(
                model, CallStatus.FAILED, reason, usage=salvaged_usage(bytes(partial))
            )  # fmt: skip
            return Outcome(reply=reply, retry=True)
        body = self._mask.body(bytes(partial))
        if not 200 <= response.status < 300:
            wait_s = retry_after_s(response.headers, self._clock.date_s())
            return http_failure(model, response.status, error_message(body), wait_s)
        is_stream = response.content_type == "text/event-stream"
        return read(body, model=model, is_stream=is_stream, latency_s=perf_counter() - began_s)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:  # a session belongs to the event loop that is running
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S, ttl_dns_cache=300)
            # lanes bound the connections and Patience the time; a second bound here would only hide which one held
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=aiohttp.ClientTimeout(total=None, sock_connect=30)
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


@cache
def proxy_for(url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name. aiohttp's `trust_env` would ask a thread for ~/.netrc
    before every call, and send what it finds."""
    parts = urlsplit(url)
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(parts.scheme)


def read(body: bytes, *, model: str, is_stream: bool, latency_s: float) -> Outcome:
    """What a body of status 200 comes to."""
    try:
        answer: Answer = read_events(body.split(b"\n")) if is_stream else read_body(body)
    except ErrorInBody as error:
        if is_retried(error.status):
            return http_failure(model, error.status, str(error))
        return Outcome(reply=failure(model, CallStatus.REJECTED, f"{model}: {error}"))
    except Unreadable as error:
        reply = failure(model, CallStatus.UNREADABLE, f"{model}: {error}.", usage=error.usage, latency_s=latency_s)
        return Outcome(reply=reply, retry=is_stream)  # a stream that stops early is a broken connection
    return Outcome(reply=reply_of(answer, model=model, latency_s=latency_s))
