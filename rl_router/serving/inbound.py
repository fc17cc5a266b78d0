"""One request as it came in over ASGI: its headers, a body read within limits, and the answer that goes back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from rl_router.serving.errors import ApiError
from rl_router.serving.job import ServeLimits
from rl_router.serving.json_bytes import loads

Header = tuple[bytes, bytes]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON: Header = (b"content-type", b"application/json")
EVENTS: Header = (b"content-type", b"text/event-stream; charset=utf-8")


class ClientGone(Exception):
    """The client closed its connection before the answer was complete."""


class Inbound:
    """`started` once the status is out: from then on an error can only be said within the body."""

    __slots__ = ("_receive", "_send", "closing", "headers", "method", "path", "request_id", "started")

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.request_id = f"req_{secrets.token_hex(12)}"
        self.started = self.closing = False
        self._receive, self._send = receive, send

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1").strip()

    async def body(self, limits: ServeLimits) -> bytes:
        """All of it, or an ApiError with 413 or 408."""
        stated = self.headers.get(b"content-length", b"0")
        if not stated.isdigit() or int(stated) > limits.body_bytes:
            raise _too_large(limits)
        try:
            async with asyncio.timeout(limits.body_s):
                return await self._read(limits)
        except TimeoutError:
            raise ApiError(408, f"the body did not arrive within {limits.body_s:g} seconds") from None

    async def _read(self, limits: ServeLimits) -> bytes:
        parts, size = [], 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            size += len(part)
            if size > limits.body_bytes:
                raise _too_large(limits)
            parts.append(part)
            if not message.get("more_body"):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    async def object(self, limits: ServeLimits) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            content = loads(await self.body(limits))
        except ValueError as error:
            raise ApiError(400, f"the body is not JSON: {error}") from None
        if not isinstance(content, dict):
            kind = "null" if content is None else f"a {type(content).__name__}"
            raise ApiError(400, f"expected a JSON object as body, got {kind}")
        return content

    async def gone(self) -> None:
        """Returns when the client has closed the connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Iterable[Header]) -> None:
        self.started = True
        own = [(b"x-request-id", self.request_id.encode()), *headers]
        if self.closing:
            own.append((b"connection", b"close"))
        await self._send({"type": "http.response.start", "status": status, "headers": own})

    async def write(self, data: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def reply(self, status: int, body: bytes, headers: Iterable[Header] = (), kind: Header = JSON) -> None:
        await self.start(status, [kind, (b"content-length", b"%d" % len(body)), *headers])
        await self.write(body, more=False)


def _too_large(limits: ServeLimits) -> ApiError:
    return ApiError(413, f"the body is larger than {limits.body_bytes} bytes", code="request_too_large")
