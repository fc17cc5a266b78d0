"""Many streams at once, without and with clients that read a byte a second: do the slow ones slow the others down?

Each slow client asks for an answer far larger than what sockets buffer, so that only a gateway that stops reading from
the upstream for it keeps its memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rl_router.evaluation.speed.chat_load import Load
from rl_router.evaluation.speed.gateway_cost import Running, backend, started
from rl_router.evaluation.speed.gateways import INPUT_USD_PER_MTOK, OUTPUT_USD_PER_MTOK, ours
from rl_router.observe.console import say

ENDLESS = "endless"
LONG_EVENTS = 200_000
"""Of the answer that nobody reads: some 30 MB."""
WARM_UP = 64
SETTLE_S = 3.0
"""What sockets take of a long answer at once belongs to its beginning, not to its reader's slowness."""


@dataclass(frozen=True, kw_only=True)
class Streams:
    """`whole` of `streams` ended with their last event, each a time of `p50_s` or `p99_s` after its question."""

    streams: int
    slow_readers: int
    whole: int
    p50_s: float
    p99_s: float
    cpu_s: float
    memory_mb: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Streams at once through the gateway, beside slow readers.")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--slow", type=int, default=10, help="clients that read a byte a second meanwhile")
    parser.add_argument("--events", type=int, default=30, help="pieces of text in a stream")
    parser.add_argument("--gap-s", type=float, default=0.3, help="between two pieces")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        models = stack.enter_context(backend(args.events, args.gap_s))
        endless = stack.enter_context(backend(LONG_EVENTS, 0.0))
        pool = folder / "streams.yaml"
        price = {"input_usd_per_mtok": INPUT_USD_PER_MTOK, "output_usd_per_mtok": OUTPUT_USD_PER_MTOK}
        places = {"weak": models, "strong": models, ENDLESS: endless}
        pool.write_text(json.dumps({"models": [{"name": n, "endpoint": url, **price} for n, url in places.items()]}))
        running = stack.enter_context(started(ours(folder, f"pool={pool}"), models, folder / "gateway"))
        asyncio.run(at_once(running, WARM_UP, 0))
        found = []
        for slow in (0, args.slow):
            found.append(asyncio.run(at_once(running, args.streams, slow)))
            say(f"{found[-1].whole} of {args.streams} streams whole beside {slow} slow readers")
    print(json.dumps([asdict(one) for one in found], indent=2))
    sys.exit(0 if all(one.whole == one.streams for one in found) else 1)


async def at_once(running: Running, streams: int, slow: int) -> Streams:
    """All of them begin together and are under way together."""
    load = Load(url=running.url, model="auto", requests=streams, connections=streams, stream=True)
    async with AsyncExitStack() as stack:
        for _ in range(slow):
            await stack.enter_async_context(slow_reader(running.url))
        await asyncio.sleep(SETTLE_S if slow else 0.0)
        before_s = running.cpu_s()
        await load.run()
        cpu_s, memory = running.cpu_s() - before_s, running.memory_bytes()
    latencies_s = sorted(load.latencies_s)
    return Streams(
        streams=streams,
        slow_readers=slow,
        whole=streams - len(load.failures),
        p50_s=round(latencies_s[len(latencies_s) // 2], 3),
        p99_s=round(latencies_s[int(len(latencies_s) * 0.99)], 3),
        cpu_s=round(cpu_s, 3),
        memory_mb=round(memory / 2**20, 1),
    )


@asynccontextmanager
async def slow_reader(url: str, model: str = ENDLESS) -> AsyncIterator[None]:
    """A client that asks `model` for its long answer and reads a byte a second of it, with little room of its own."""
    parts = urlsplit(url)
    assert parts.hostname is not None and parts.port is not None
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, (parts.hostname, parts.port))
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "on and on"}], "stream": True})
    head = f"POST {parts.path}/chat/completions HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-length: {len(body)}\r\n\r\n"
    await loop.sock_sendall(connection, (head + body).encode())

    async def read() -> None:
        while await loop.sock_recv(connection, 1):
            await asyncio.sleep(1.0)

    reading = asyncio.create_task(read())
    try:
        yield
        if reading.done():
            raise RuntimeError("a slow reader was cut off")
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        connection.close()
