"""A chat-completions server that is no bottleneck: one fixed answer, whole or as a stream of events.

    python -m rl_router.evaluation.speed.chat_server PORT EVENTS GAP_S [FAIL HANG DROP]

A stream has EVENTS pieces of text, one every GAP_S seconds, each a write of its own. With 0 the pieces follow at once.
Of the requests the share FAIL gets a 503, HANG nothing at all, and DROP a connection that ends in mid-answer. GET
/count says how many answers were sent whole: those are billed.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from dataclasses import dataclass, field

HEAD = {"id": "fixed", "created": 1, "model": "fixed"}
USAGE = {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50}
MESSAGE = {"role": "assistant", "content": "forty two " * 15}
BODY = json.dumps(
    {
        **HEAD,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
        "usage": USAGE,
    }
).encode()
BEGIN = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def _json(body: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
    return head + body


WHOLE = _json(BODY)
BUSY = _json(b'{"error": {"message": "busy", "type": "server_error", "param": null, "code": null}}', b"503 Busy")


def _event(content: dict[str, object] | str) -> bytes:
    data = content if isinstance(content, str) else json.dumps(HEAD | {"object": "chat.completion.chunk"} | content)
    event = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(event), event)


def _choice(delta: dict[str, str], reason: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def stream_parts(events: int) -> list[bytes]:
    """What is written of a stream, one after the other."""
    words = [_event(_choice({"content": "forty two"})) for _ in range(events)]
    last = _event(_choice({}, "stop")) + _event({"choices": [], "usage": USAGE}) + _event("[DONE]") + END
    return [BEGIN + _event(_choice({"role": "assistant", "content": ""})), *words, last]


@dataclass
class Faulty:
    """The shares of requests that are failed, left hanging and dropped; `answered` counts the others."""

    fail: float = 0.0
    hang: float = 0.0
    drop: float = 0.0
    answered: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def draw(self) -> str:
        drawn = self.chance.random()
        if drawn < self.fail:
            return "fail"
        if drawn < self.fail + self.hang:
            return "hang"
        return "drop" if drawn < self.fail + self.hang + self.drop else ""


class _Chat(asyncio.Protocol):
    def __init__(self, parts: list[bytes], gap_s: float, faulty: Faulty) -> None:
        self._parts, self._gap_s, self._faulty, self._buffer = parts, gap_s, faulty, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        if self._buffer.startswith(b"GET /count"):
            self._buffer = b""
            self._transport.write(_json(json.dumps({"answered": self._faulty.answered}).encode()))
            return
        stated = self._buffer[:head].lower().partition(b"content-length:")[2]
        end = head + 4 + int(stated.split(b"\r\n", 1)[0] or 0)
        if len(self._buffer) < end:
            return
        body, self._buffer = self._buffer[head:end], self._buffer[end:]
        self._answer(stream=b'"stream":true' in body or b'"stream": true' in body)

    def _answer(self, *, stream: bool) -> None:
        fault = self._faulty.draw()
        if fault == "fail":
            self._transport.write(BUSY)
        elif fault == "drop":
            self._transport.write(self._parts[0] if stream else WHOLE[: len(WHOLE) // 2])
            self._transport.close()
        elif not fault and stream:
            self._send(0)
        elif not fault:
            self._faulty.answered += 1
            self._transport.write(WHOLE)

    def _send(self, part: int) -> None:
        if self._transport.is_closing():
            return
        if part + 1 == len(self._parts):
            self._faulty.answered += 1
            self._transport.write(self._parts[part])
            return
        self._transport.write(self._parts[part])
        if self._gap_s:
            self._loop.call_later(self._gap_s, self._send, part + 1)
        else:
            self._loop.call_soon(self._send, part + 1)


async def _serve(port: int, events: int, gap_s: float, faulty: Faulty) -> None:
    loop = asyncio.get_running_loop()
    parts = stream_parts(events)
    server = await loop.create_server(lambda: _Chat(parts, gap_s, faulty), "127.0.0.1", port, backlog=4096)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    fail, hang, drop = (float(share) for share in [*sys.argv[4:], "0", "0", "0"][:3])
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Faulty(fail=fail, hang=hang, drop=drop)))
