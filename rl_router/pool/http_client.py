"""POST over kept connections, TLS and proxies included, at little CPU per call.

The client libraries spend more on one small request than all else that `collect` does for it (`python
evaluation/benchmark_collect.py` measures both). What is left out: redirects, which would carry a key to another host,
cookies, and compressed bodies, which are not asked for.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar, cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from rl_router import __version__
from rl_router.pool.http_connection import Connection, Response

C = TypeVar("C", bound=Connection)

CONNECT_S = 30.0
IDLE_S = 60.0
PORTS = {"http": 80, "https": 443}
EYEBALLS_S = 0.25
"""How long one address of a host may keep the next one waiting (RFC 8305)."""


class Unsent(Exception):
    """No connection was made, so nothing went out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxy:
    host: str
    port: int
    is_tls: bool
    authorization: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Place:
    """Where a URL is served. `head` begins every request to it.

    Two are never equal: it is looked up for every call, and to compare texts would cost more.
    """

    host: str
    port: int
    is_tls: bool
    head: str = field(repr=False)
    proxy: Proxy | None


class Connections(Generic[C]):
    """Connections of one event loop, as many as there are calls at once. Proxies are those of the environment."""

    def __init__(self, kind: type[C]) -> None:
        self._kind = kind
        self._places: dict[str, Place] = {}
        self._idle: defaultdict[Place, list[C]] = defaultdict(list)
        self._tls: ssl.SSLContext | None = None

    def place(self, url: str) -> Place:
        place = self._places.get(url)
        if place is None:
            place = self._places[url] = place_of(url)
        return place

    async def take(self, place: Place) -> C:
        """A kept connection or a new one; raises Unsent. Whoever takes it gives it back or closes it."""
        return self._kept(place) or await self._connect(place)

    def give_back(self, place: Place, connection: C) -> None:
        if connection.is_open:
            connection.idle_since_s = time.monotonic()
            self._idle[place].append(connection)
        else:
            connection.close()

    def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _kept(self, place: Place) -> C | None:
        """The connection that was used last: the others may rest until they are too old."""
        connections = self._idle[place]
        while connections:
            connection = connections.pop()
            if connection.is_open and time.monotonic() - connection.idle_since_s < IDLE_S:
                return connection
            connection.close()
        return None

    async def _connect(self, place: Place) -> C:
        try:
            async with asyncio.timeout(CONNECT_S):
                if place.proxy is not None:
                    return await self._connect_through(place.proxy, place)
                connection = self._kind()
                await self._open(connection, place.host, place.port, place.is_tls)
                return connection
        except (OSError, UnicodeError) as error:  # a timeout is an OSError
            raise Unsent(str(error) or type(error).__name__) from None

    async def _connect_through(self, proxy: Proxy, place: Place) -> C:
        connection = self._kind()
        if not place.is_tls:  # the proxy reads the request's URL
            await self._open(connection, proxy.host, proxy.port, proxy.is_tls)
            return connection
        tunnel = Tunnel()
        await self._open(tunnel, proxy.host, proxy.port, proxy.is_tls)
        try:
            await tunnel.dig(place, proxy)
            transport = await asyncio.get_running_loop().start_tls(
                tunnel.transport, connection, self._context(), server_hostname=place.host
            )
        except BaseException:
            tunnel.transport.abort()
            raise
        assert transport is not None
        connection.connection_made(transport)  # start_tls leaves this to its caller
        return connection

    async def _open(self, protocol: asyncio.Protocol, host: str, port: int, is_tls: bool) -> None:
        loop = asyncio.get_running_loop()
        settings: dict[str, Any] = {"ssl": self._context(), "server_hostname": host} if is_tls else {}
        if isinstance(loop, asyncio.BaseEventLoop):  # uvloop does not know this one
            settings["happy_eyeballs_delay"] = EYEBALLS_S
        await loop.create_connection(lambda: protocol, host, port, **settings)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


class HttpClient(Connections[Connection]):
    """Whole answers."""

    def __init__(self) -> None:
        super().__init__(Connection)

    async def post(self, url: str, fields: Mapping[str, str], body: bytes) -> Response:
        """Send `body` with the header's `fields`; raises Unsent, Broken or TooLarge."""
        place = self.place(url)
        connection = await self.take(place)
        response = await connection.exchange(request_to(place, fields, body))
        self.give_back(place, connection)
        return response


class Tunnel(asyncio.Protocol):
    """Asks a proxy to pass bytes on to a place, and reads its answer."""

    def __init__(self) -> None:
        self._read = b""
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def dig(self, place: Place, proxy: Proxy) -> None:
        target = f"{_bracketed(place.host)}:{place.port}"
        self.transport.write(f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{proxy.authorization}\r\n".encode())
        line = await self._answer
        if line.split(b" ")[1:2] != [b"200"]:
            raise ConnectionRefusedError(f"the proxy answered {line.decode('latin-1')}")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        if b"\r\n\r\n" in self._read and not self._answer.done():
            self._answer.set_result(self._read.partition(b"\r\n")[0])

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the proxy closed the connection"))


def request_to(place: Place, fields: Mapping[str, str], body: bytes) -> bytes:
    own = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{place.head}{own}content-length: {len(body)}\r\n\r\n".encode() + body


def place_of(url: str) -> Place:
    """Where `url` is served, and through which proxy of HTTP_PROXY, HTTPS_PROXY and NO_PROXY."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxy = _proxy(proxy_for(url))
    is_tls = parts.scheme == "https"
    in_clear = proxy is not None and not is_tls
    target = url if in_clear else (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = (
        f"POST {target} HTTP/1.1\r\nhost: {parts.netloc}\r\nuser-agent: rl-router/{__version__}\r\n"
        f"accept: */*\r\naccept-encoding: identity\r\n{proxy.authorization if proxy and in_clear else ''}"
    )
    return Place(host=host, port=parts.port or PORTS[parts.scheme], is_tls=is_tls, head=head, proxy=proxy)


@cache
def proxy_for(url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name for `url`."""
    parts = urlsplit(url)
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(parts.scheme)


def _proxy(url: str | None) -> Proxy | None:
    if not url:
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    authorization = f"proxy-authorization: Basic {b64encode(login.encode()).decode()}\r\n" if login else ""
    is_tls = parts.scheme == "https"
    port = parts.port or PORTS.get(parts.scheme, PORTS["http"])
    return Proxy(host=parts.hostname or "", port=port, is_tls=is_tls, authorization=authorization)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
