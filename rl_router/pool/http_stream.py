"""An HTTP/1.1 connection whose answer is taken piece by piece; while nobody takes them, nothing more is read."""

from __future__ import annotations

import asyncio

from httptools import HttpParserError, HttpParserUpgrade

from rl_router.pool.http_connection import Broken, Connection

HIGH_WATER_BYTES = 256 * 2**10


class StreamedConnection(Connection):
    """`begin` sends a request and waits for the head of its answer, `piece` for what comes of the body."""

    status: int
    headers: dict[str, str]

    def __init__(self) -> None:
        super().__init__()
        self._head: asyncio.Future[None] | None = None
        self._more: asyncio.Future[None] | None = None
        self._is_busy = self._is_whole = self._is_paused = False
        self._error: Broken | None = None

    async def begin(self, request: bytes) -> None:
        """Sets `status` and `headers`; raises Broken. Who is cancelled closes it."""
        self._expect()
        self._is_busy, self._is_whole, self._error = True, False, None
        self._head = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            await self._head
        except BaseException:
            self.close()
            raise
        finally:
            self._head = None

    async def piece(self) -> bytes:
        """What has come since the last one, empty at the end; raises Broken."""
        if not self._body and not self._is_whole and self._error is None:
            self._more = asyncio.get_running_loop().create_future()
            try:
                await self._more
            finally:
                self._more = None
        if self._body:
            data = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            self._body.clear()
            self._size = 0
            if self._is_paused:
                self._is_paused = False
                self._transport.resume_reading()
            return data
        if self._error is not None:
            raise self._error
        return b""

    @property
    def is_read(self) -> bool:
        """Whether the answer has been taken to its end, so that another request may follow."""
        return self._is_whole and not self._body

    def rest(self) -> None:
        """Nobody waits for anything any more: whatever comes now closes it."""
        self._is_busy = False

    # what asyncio calls

    def data_received(self, data: bytes) -> None:
        if not self._is_busy:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._break(Broken(f"not HTTP: {error}", b""))
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._is_busy and not self._is_whole:
            if error is None and self._ends_with_connection():
                self._complete()
            else:
                self._break(Broken(type(error).__name__ if error else "closed by the server", b""))

    # what llhttp calls

    def on_headers_complete(self) -> None:
        self._has_header = True
        status = self._parser.get_status_code()
        if status >= 200 and self._head is not None and not self._head.done():
            self.status, self.headers = status, self._headers
            self._head.set_result(None)

    def on_body(self, data: bytes) -> None:
        self._body.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER_BYTES and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:  # "continue" and early hints come before the answer
            self._expect()
            return
        if not self._parser.should_keep_alive():
            self.is_open = False
        self._complete()

    def _complete(self) -> None:
        self._is_whole = True
        self._wake()

    def _break(self, error: Broken) -> None:
        self._error = error
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
        self._wake()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)
