"""Models behind OpenAI-compatible endpoints: kept connections, keys in turn, bytes as they come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping

from rl_router.pool.http_client import Connections, Place, Unsent, request_to
from rl_router.pool.http_connection import MAX_BODY_BYTES, Broken
from rl_router.pool.http_stream import StreamedConnection
from rl_router.pool.live_pool import key_rings
from rl_router.pool.retry import retry_after_s
from rl_router.pool.spec import ModelSpec
from rl_router.serving.upstream import DEADLINE, UpstreamError
from rl_router.types import CallStatus


class HttpUpstream:
    """`rings` has the keys of each model; models of one endpoint and provider share a ring."""

    def __init__(self, specs: Iterable[ModelSpec], environment: Mapping[str, str]) -> None:
        self._rings = key_rings(specs, environment)
        self._connections = Connections(StreamedConnection)

    async def post(self, spec: ModelSpec, path: str, body: bytes, *, wait_s: float, total_s: float) -> HttpReply:
        ring = self._rings[spec.name]
        key, rest_s = ring.take(time.monotonic())
        if rest_s > 0:
            raise UpstreamError(
                CallStatus.RATE_LIMITED, f"every key for {spec.name} rests for {rest_s:.0f} s", retry_after_s=rest_s
            )
        fields = {"content-type": "application/json", DEADLINE: f"{total_s:.3f}"}
        if key is not None:
            fields["authorization"] = f"Bearer {key}"
        place = self._connections.place(f"{spec.endpoint}{path}")
        limit_s, sent = min(wait_s, total_s), False
        try:
            async with asyncio.timeout(limit_s):
                connection = await self._connections.take(place)
                sent = True
                await connection.begin(request_to(place, fields, body))
        except TimeoutError:
            reason = f"{spec.name} did not answer within {limit_s:.3g} seconds"
            raise UpstreamError(CallStatus.TIMEOUT, reason, billed_unknown=sent) from None
        except Unsent as error:
            raise UpstreamError(CallStatus.FAILED, f"the connection to {spec.name} failed ({error})") from None
        except Broken as error:
            reason = f"the connection to {spec.name} broke ({error})"
            raise UpstreamError(CallStatus.FAILED, reason, billed_unknown=True) from None
        if connection.status == 429:
            ring.rest(key, time.monotonic() + (retry_after_s(connection.headers, time.time()) or 0.0))
        return HttpReply(spec.name, self._connections, place, connection)

    async def close(self) -> None:
        self._connections.close()


class HttpReply:
    def __init__(
        self, model: str, connections: Connections[StreamedConnection], place: Place, connection: StreamedConnection
    ) -> None:
        self.status, self.headers = connection.status, connection.headers
        self._model, self._connections, self._place, self._connection = model, connections, place, connection

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    async def read(self, idle_s: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(idle_s):
                while part := await self._connection.piece():
                    parts.append(part)
                    size += len(part)
                    if size > MAX_BODY_BYTES:
                        reason = f"{self._model} sent more than {MAX_BODY_BYTES // 2**20} MiB"
                        raise UpstreamError(CallStatus.UNREADABLE, reason, billed_unknown=True)
        except (TimeoutError, Broken) as error:
            raise self._broken(error) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def pieces(self, idle_s: float) -> AsyncIterator[bytes]:
        try:
            while True:
                async with asyncio.timeout(idle_s):
                    piece = await self._connection.piece()
                if not piece:
                    return
                yield piece
        except (TimeoutError, Broken) as error:
            raise self._broken(error) from None

    def close(self) -> None:
        if self._connection.is_read:
            self._connection.rest()
            self._connections.give_back(self._place, self._connection)
        else:
            self._connection.close()

    def _broken(self, error: Exception) -> UpstreamError:
        if isinstance(error, TimeoutError):
            return UpstreamError(CallStatus.TIMEOUT, f"{self._model} fell silent", billed_unknown=True)
        reason = f"the connection to {self._model} broke ({error})"
        return UpstreamError(CallStatus.FAILED, reason, billed_unknown=True)
