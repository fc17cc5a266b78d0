"""Load for an OpenAI-compatible server at little CPU: so many connections, each asking again when it has its answer."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(kw_only=True)
class Load:
    """`requests` questions, no two alike, over `connections`. What came of them is in the fields below."""

    url: str
    model: str
    requests: int
    connections: int
    stream: bool
    key: str = "sk-none"
    first: int = 0
    """The number of the first question: another run should ask others."""
    failures: list[str] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    seconds: float = 0.0

    async def run(self) -> None:
        """Ask them all; `failures` has the end of each answer that was none."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None and parts.port is not None
        numbers = iter(range(self.first, self.first + self.requests))
        began_s = time.perf_counter()

        async def work() -> None:
            reader = writer = None
            for number in numbers:
                if reader is None or writer is None:
                    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
                asked_s = time.perf_counter()
                writer.write(self._request(number, f"{parts.path}/chat/completions", parts.netloc))
                answer, goes_on = await _answer(reader)
                self.latencies_s.append(time.perf_counter() - asked_s)
                if not answer.startswith(b"HTTP/1.1 200") or (self.stream and b"[DONE]" not in answer):
                    self.failures.append(answer[-300:].decode("utf-8", "replace"))
                if not goes_on:
                    writer.close()
                    reader = writer = None
            if writer is not None:
                writer.close()

        await asyncio.gather(*(work() for _ in range(self.connections)))
        self.seconds = time.perf_counter() - began_s

    def _request(self, number: int, path: str, host: str) -> bytes:
        text = f"Question {number}: how many primes are there between {number} and {7 * number + 100}, and why?"
        body = {"model": self.model, "messages": [{"role": "user", "content": text}], "stream": self.stream}
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        )
        return head.encode() + data


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    """A whole answer with its head, and whether the connection goes on."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    goes_on = b"connection: close" not in lower
    if b"content-length:" in lower:
        length = int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return head + await reader.readexactly(length), goes_on
    if b"transfer-encoding: chunked" in lower:
        return head + await reader.readuntil(b"\r\n0\r\n\r\n"), goes_on
    return head + await reader.read(), False
