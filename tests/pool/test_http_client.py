"""The HTTP client against sockets that say exactly what each test wants to hear, TLS and proxies included."""

import asyncio
import shutil
import ssl
import subprocess
from contextlib import asynccontextmanager

import pytest

from rl_router.pool import http_client, http_connection
from rl_router.pool.http_client import HttpClient, Unsent
from rl_router.pool.http_connection import Broken, TooLarge

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
CLOSES = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi"
END = object()


@pytest.fixture(autouse=True, params=["asyncio", "uvloop"])
def loops(request):
    """Every test runs on asyncio's own event loop and on uvloop, which `collect` and the gateway use if they can."""
    if request.param == "uvloop":
        asyncio.set_event_loop_policy(pytest.importorskip("uvloop").EventLoopPolicy())
    yield
    asyncio.set_event_loop_policy(None)


class Server:
    """Answers the n-th request with the n-th reply; END closes the connection."""

    def __init__(self, replies):
        self.replies, self.connections, self.heads, self.bodies = list(replies), 0, [], []

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length"))
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(int(length.partition(":")[2])))
                for part in self.replies.pop(0):
                    if part is END:
                        return
                    writer.write(part)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(*replies, tls=None):
    server = Server([reply if isinstance(reply, list) else [reply] for reply in replies])
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    server.url = f"{'https' if tls else 'http'}://localhost:{server.port}/v1/x"
    try:
        yield server
    finally:
        listening.close()


def post(*replies, times=1):
    """What `times` posts bring, one after the other, and the server that they went to."""

    async def run():
        async with asyncio.timeout(20), serving(*replies) as server:
            client = HttpClient()
            try:
                return [await client.post(server.url, {"a": "b"}, b"body") for _ in range(times)], server
            finally:
                client.close()

    return asyncio.run(run())


def test_a_request_has_its_header_and_its_body():
    [response], server = post(OK)
    assert (response.status, response.body, response.headers["content-length"]) == (200, b"hi", "2")
    first, *fields = server.heads[0].strip().split("\r\n")
    assert first == "POST /v1/x HTTP/1.1"
    assert {"a: b", "content-length: 4", f"host: localhost:{server.port}", "accept-encoding: identity"} <= set(fields)
    assert server.bodies == [b"body"]


def test_a_connection_is_kept():
    responses, server = post(OK, OK, OK, times=3)
    assert [response.body for response in responses] == [b"hi"] * 3
    assert server.connections == 1


@pytest.mark.parametrize("reply", [CLOSES, [b"HTTP/1.0 200 OK\r\n\r\nhi", END]])
def test_one_that_ends_with_its_answer_is_not(reply):
    responses, server = post(reply, OK, times=2)
    assert [response.body for response in responses] == [b"hi", b"hi"]
    assert server.connections == 2


@pytest.mark.parametrize(
    "reply",
    [
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n", b"1\r\ni\r\n0\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", OK],
        [b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK],
        [OK[:9], OK[9:30], OK[30:]],
    ],
    ids=["chunks", "continue", "early hints", "pieces"],
)
def test_a_response_is_read_however_it_comes(reply):
    responses, server = post(reply, OK, times=2)
    assert [(response.status, response.body) for response in responses] == [(200, b"hi"), (200, b"hi")]
    assert server.connections == 1


@pytest.mark.parametrize(
    ("reply", "partial"),
    [
        ([END], b""),
        ([OK[:-1], END], b"h"),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n", END], b"h"),
        ([b"ICY 200 OK\r\n\r\n"], b""),
    ],
    ids=["nothing", "half a body", "half of the chunks", "not HTTP"],
)
def test_an_answer_that_ends_early_is_broken_and_what_came_is_kept(reply, partial):
    with pytest.raises(Broken) as caught:
        post(reply)
    assert caught.value.partial == partial


def test_a_connection_that_is_lost_before_its_first_request_is_broken_and_waits_for_nobody():
    async def run():
        async def slam(reader, writer):
            writer.close()

        listening = await asyncio.start_server(slam, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        connection = http_connection.Connection()
        async with asyncio.timeout(20):
            await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", port)
            while connection.is_open:
                await asyncio.sleep(0.01)
            await connection.exchange(b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n")

    with pytest.raises(Broken, match="closed by the server"):
        asyncio.run(run())


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one():
    stray = OK.replace(b"hi", b"no")

    async def run():
        async with asyncio.timeout(20), serving([OK, stray], OK) as server:
            client = HttpClient()
            await client.post(server.url, {}, b"")
            await asyncio.sleep(0.05)  # the stray one comes meanwhile
            return (await client.post(server.url, {}, b"")).body, server.connections

    assert asyncio.run(run()) == (b"hi", 2)


def test_the_late_answer_of_a_call_that_was_given_up_is_not_taken_for_the_next_one():
    async def run():
        async with asyncio.timeout(20), serving([], OK) as server:
            client = HttpClient()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.post(server.url, {}, b"first")
            return (await client.post(server.url, {}, b"second")).body, server.connections

    assert asyncio.run(run()) == (b"hi", 2)


def test_a_connection_that_the_server_closed_or_that_is_too_old_is_replaced(monkeypatch):
    async def run():
        async with asyncio.timeout(20), serving([OK, END], OK, OK) as server:
            client = HttpClient()
            await client.post(server.url, {}, b"")
            await asyncio.sleep(0.05)
            await client.post(server.url, {}, b"")
            monkeypatch.setattr(http_client, "IDLE_S", 0.0)
            await client.post(server.url, {}, b"")
            return server.connections

    assert asyncio.run(run()) == 3


def test_a_body_without_end_is_too_large(monkeypatch):
    monkeypatch.setattr(http_connection, "MAX_BODY_BYTES", 10)
    with pytest.raises(TooLarge):
        post([b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 11])


def test_nobody_there_is_unsent():
    async def run():
        await HttpClient().post("http://127.0.0.1:9/v1", {}, b"")

    with pytest.raises(Unsent, match="Connect call failed|Connection refused"):
        asyncio.run(run())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost that nobody has signed, and a context that serves with it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:localhost"], cwd=folder, check=True, capture_output=True
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


def test_tls_is_spoken_with_whom_the_system_trusts_and_kept(certificate, monkeypatch):
    path, tls = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    async def run():
        async with asyncio.timeout(20), serving(OK, OK, tls=tls) as server:
            client = HttpClient()
            bodies = [(await client.post(server.url, {}, b"")).body for _ in range(2)]
            client.close()
            return bodies, server.connections

    assert asyncio.run(run()) == ([b"hi", b"hi"], 1)


def test_a_certificate_that_nobody_trusts_is_unsent(certificate):
    _, tls = certificate

    async def run():
        async with asyncio.timeout(20), serving(OK, tls=tls) as server:
            await HttpClient().post(server.url, {}, b"secret")

    with pytest.raises(Unsent, match="certificate verify failed"):
        asyncio.run(run())


class ConnectProxy:
    """A proxy that digs tunnels, for those who know its password."""

    def __init__(self):
        self.asked = []

    async def serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split("\r\n")[0])
        if "proxy-authorization: Basic bWU6cEBzcw==" not in head:  # me:p@ss
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            writer.close()
            return
        host, _, port = head.split(" ")[1].rpartition(":")
        there, to_there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pass_on(reader, to_there), pass_on(there, writer))


async def pass_on(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    writer.close()


def through_proxy(tls, monkeypatch, login):
    async def run():
        proxy = ConnectProxy()
        listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        async with asyncio.timeout(20), serving(OK, OK, tls=tls) as server:
            monkeypatch.setenv("https_proxy", f"http://{login}localhost:{listening.sockets[0].getsockname()[1]}")
            client = HttpClient()
            bodies = [(await client.post(server.url, {}, b"")).body for _ in range(2)]
            client.close()
            await asyncio.sleep(0.05)
            return bodies, proxy.asked, server

    return asyncio.run(run())


def test_https_goes_through_a_tunnel_of_the_proxy(certificate, monkeypatch):
    path, tls = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    bodies, asked, server = through_proxy(tls, monkeypatch, "me:p%40ss@")
    assert bodies == [b"hi", b"hi"]
    assert asked == [f"CONNECT localhost:{server.port} HTTP/1.1"]
    assert "authorization" not in server.heads[0]  # the proxy's password stays with the proxy


def test_a_proxy_that_refuses_is_unsent(certificate, monkeypatch):
    with pytest.raises(Unsent, match="the proxy answered HTTP/1.1 407"):
        through_proxy(certificate[1], monkeypatch, "")


def test_http_goes_to_the_proxy_with_the_whole_url_unless_no_proxy_says_otherwise(monkeypatch):
    http_client.proxy_for.cache_clear()

    async def run():
        async with asyncio.timeout(20), serving(OK) as proxy, serving(OK) as server:
            monkeypatch.setenv("http_proxy", f"http://me:p%40ss@127.0.0.1:{proxy.port}")
            await HttpClient().post("http://llm.example/v1/x", {}, b"")
            monkeypatch.setenv("no_proxy", "localhost")
            await HttpClient().post(server.url, {}, b"")
            return proxy.heads, server.heads

    [to_proxy], [direct] = asyncio.run(run())
    assert to_proxy.startswith("POST http://llm.example/v1/x HTTP/1.1\r\nhost: llm.example\r\n")
    assert "proxy-authorization: Basic bWU6cEBzcw==" in to_proxy
    assert direct.startswith("POST /v1/x HTTP/1.1") and "proxy-authorization" not in direct
