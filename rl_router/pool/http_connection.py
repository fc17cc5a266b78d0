"""One HTTP/1.1 connection over asyncio's transports and llhttp's parser: a request goes out, a response comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_BODY_BYTES = 64 * 2**20


class Broken(Exception):
    """A connection that ended before the answer did. `partial` is what had come of its body."""

    def __init__(self, reason: str, partial: bytes) -> None:
        super().__init__(reason)
        self.partial = partial


class TooLarge(Exception):
    """A body of more than MAX_BODY_BYTES."""


class Response(NamedTuple):
    """`headers` have their names in small letters. A NamedTuple, as what is made for every call is here: a frozen
    dataclass takes four times as long to make."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection(asyncio.Protocol):
    """One exchange at a time. `is_open` says whether another one can follow."""

    def __init__(self) -> None:
        self.is_open = False
        self.idle_since_s = 0.0
        self._answer: asyncio.Future[Response] | None = None
        self._expect()

    async def exchange(self, request: bytes) -> Response:
        """Send a whole request and read its response; raises Broken or TooLarge. Who is cancelled closes it."""
        if not self.is_open:  # it was lost before anybody could use it
            raise Broken("closed by the server", b"")
        self._expect()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            self._answer = None

    def close(self) -> None:
        self.is_open = False
        self._transport.abort()

    def _expect(self) -> None:
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._has_header = False

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = HttpResponseParser(self)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nobody asked for it, so it must not be taken for the next answer
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(Broken(f"not HTTP: {error}", b"".join(self._body)))
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if error is None and self._ends_with_connection():
            self.on_message_complete()
        reason = type(error).__name__ if error else "closed by the server"
        self._fail(Broken(reason, b"".join(self._body)))

    # what llhttp calls

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower().decode("latin-1")] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._has_header = True
        if self._answer is None or self._answer.done():  # nobody asked for this one
            self.is_open = False

    def on_body(self, data: bytes) -> None:
        self._body.append(data)
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            self._fail(TooLarge())
            self.close()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # "continue" and early hints come before the response
            self._expect()
            return
        if not self._parser.should_keep_alive():
            self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Response(status=status, headers=self._headers, body=b"".join(self._body)))
            self._expect()

    def _ends_with_connection(self) -> bool:
        """Whether nothing but the end of the connection says where the body ends (RFC 9112, 6.3)."""
        chunked = "chunked" in self._headers.get("transfer-encoding", "").lower()
        return self._has_header and not chunked and "content-length" not in self._headers

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
