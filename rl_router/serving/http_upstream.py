"""Models behind OpenAI-compatible endpoints: kept connections, keys in turn, bytes as they come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping

import aiohttp

from rl_router.pool.http_client import proxy_for
from rl_router.pool.keys import KeyRing, Mask
from rl_router.pool.live_pool import provider_keys, provider_of
from rl_router.pool.retry import retry_after_s
from rl_router.pool.spec import ModelSpec
from rl_router.serving.upstream import DEADLINE, UpstreamError
from rl_router.types import CallStatus

CONNECT_S = 10.0
IDLE_CONNECTION_S = 60.0


class HttpUpstream:
    """`rings` has the keys of each model; models of one endpoint and provider share a ring."""

    def __init__(self, specs: Iterable[ModelSpec], environment: Mapping[str, str], mask: Mask) -> None:
        rings: dict[tuple[str, str], KeyRing] = {}
        self._rings: dict[str, KeyRing] = {}
        for spec in specs:
            place = spec.endpoint or "", provider_of(spec)
            if place not in rings:
                rings[place] = KeyRing(provider_keys(spec, environment))
            self._rings[spec.name] = rings[place]
        self._mask = mask
        self._session: aiohttp.ClientSession | None = None

    async def post(self, spec: ModelSpec, path: str, body: bytes, *, wait_s: float, total_s: float) -> HttpReply:
        ring = self._rings[spec.name]
        key, rest_s = ring.take(time.monotonic())
        if rest_s > 0:
            raise UpstreamError(
                CallStatus.RATE_LIMITED, f"every key for {spec.name} rests for {rest_s:.0f} s", retry_after_s=rest_s
            )
        headers = {"content-type": "application/json", DEADLINE: f"{total_s:.3f}"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        url = f"{spec.endpoint}{path}"
        try:
            async with asyncio.timeout(min(wait_s, total_s)):
                # a redirect would carry the key to another host
                response = await self._open().post(
                    url, data=body, headers=headers, allow_redirects=False, proxy=proxy_for(url)
                )
        except TimeoutError:
            reason = f"{spec.name} did not answer within {min(wait_s, total_s):.3g} seconds"
            raise UpstreamError(CallStatus.TIMEOUT, reason, billed_unknown=True) from None
        except (aiohttp.ClientError, OSError) as error:
            unsent = isinstance(error, aiohttp.ClientConnectorError)
            reason = f"the connection to {spec.name} {'failed' if unsent else 'broke'} ({type(error).__name__})"
            raise UpstreamError(CallStatus.FAILED, reason, billed_unknown=not unsent) from None
        if response.status == 429:
            ring.rest(key, time.monotonic() + (retry_after_s(response.headers, time.time()) or 0.0))
        return HttpReply(spec.name, response, self._mask)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:  # a session belongs to the event loop that is running
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_CONNECTION_S, ttl_dns_cache=300)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class HttpReply:
    def __init__(self, model: str, response: aiohttp.ClientResponse, mask: Mask) -> None:
        self.status, self.headers = response.status, response.headers
        self._model, self._response, self._mask = model, response, mask

    @property
    def is_stream(self) -> bool:
        return self._response.content_type == "text/event-stream"

    async def read(self, idle_s: float) -> bytes:
        try:
            async with asyncio.timeout(idle_s):
                return self._mask.body(await self._response.read())
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._broken(error) from None

    async def pieces(self, idle_s: float) -> AsyncIterator[bytes]:
        content = self._response.content
        try:
            while True:
                async with asyncio.timeout(idle_s):
                    piece = await content.readany()
                if not piece:
                    return
                yield piece
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._broken(error) from None

    def close(self) -> None:
        self._response.close() if not self._response.content.at_eof() else self._response.release()

    def _broken(self, error: Exception) -> UpstreamError:
        if isinstance(error, TimeoutError):
            return UpstreamError(CallStatus.TIMEOUT, f"{self._model} fell silent", billed_unknown=True)
        reason = f"the connection to {self._model} broke ({type(error).__name__})"
        return UpstreamError(CallStatus.FAILED, reason, billed_unknown=True)
