"""The cheapest OpenAI-compatible server that can be: one fixed reply, after a fixed time, from several processes.

    python -m rl_router.evaluation.speed.reply_server PORT LATENCY_S

It is there to be no bottleneck when callers are measured: it reads no more of a request than its length.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from rl_router.errors import RunError
from rl_router.pool.event_loop import event_loop

BODY = json.dumps(
    {
        "id": "fixed",
        "object": "chat.completion",
        "model": "fixed",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "forty two"}, "finish_reason": "stop"},
        ],
        "usage": {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26},
    }
).encode()
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY
LENGTH = b"content-length:"


class _Due:
    """Replies in the order in which they are due: all take the same time, so one timer serves them all. None is early:
    an event loop's own clock may stand a millisecond behind."""

    def __init__(self, latency_s: float) -> None:
        self._latency_s, self._loop = latency_s, asyncio.get_running_loop()
        self._due: deque[tuple[float, asyncio.Transport]] = deque()

    def add(self, transport: asyncio.Transport) -> None:
        self._due.append((time.monotonic() + self._latency_s, transport))
        if len(self._due) == 1:
            self._loop.call_later(self._latency_s, self._write)

    def _write(self) -> None:
        now_s = time.monotonic()
        while self._due and self._due[0][0] <= now_s:
            self._due.popleft()[1].write(REPLY)
        if self._due:
            self._loop.call_later(self._due[0][0] - now_s, self._write)


class _Replies(asyncio.Protocol):
    def __init__(self, due: _Due) -> None:
        self._due, self._buffer = due, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lower = self._buffer[:head].lower()
        at = lower.find(LENGTH)
        end = head + 4 + int(lower[at + len(LENGTH) :].split(b"\r\n", 1)[0])
        if len(self._buffer) >= end:
            self._buffer = self._buffer[end:]
            self._due.add(self._transport)


@contextmanager
def reply_server(latency_s: float, processes: int = 2) -> Iterator[str]:
    """The endpoint of running servers that share one port, up to and with `/v1`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        command = [sys.executable, "-m", __name__, str(port), str(latency_s)]
        servers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    try:
        for server in servers:
            assert server.stdout is not None
            if server.stdout.readline() != "ready\n":
                raise RunError("a server for the measurement did not start")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        for server in servers:
            server.kill()
            server.wait()


async def _serve(port: int, latency_s: float) -> None:
    loop, due = asyncio.get_running_loop(), _Due(latency_s)
    server = await loop.create_server(lambda: _Replies(due), "127.0.0.1", port, reuse_port=True, backlog=1024)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=event_loop()) as runner:
        runner.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
