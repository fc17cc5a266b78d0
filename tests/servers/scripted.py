"""An upstream whose every reply a test writes: a function of the request's body to a status, headers and bytes.

    with ScriptedServer(lambda body: Scripted(completion("hello"))) as server:
        ...            # server.url, server.bodies, server.headers, server.open_connections

A list of parts is sent as an event stream, one part after the other with `pause_s` between; None in it hangs for ever,
and an Ellipsis breaks the connection.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rl_router.evaluation.loopback import ThreadedServer

USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 20},
}


@dataclass(frozen=True, kw_only=True)
class Scripted:
    content: bytes | Sequence[Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    wait_s: float = 0.0


def completion(text: str | None = "hello", *, usage: Any = USAGE, **message: Any) -> Scripted:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "theirs", "choices": [choice]}
    return Scripted(content=json.dumps(body | ({"usage": usage} if usage else {}) | {"theirs": 1.50}).encode())


def events(words: Sequence[str], *, usage: Any = USAGE, done: bool = True, pause_s: float = 0.0) -> Scripted:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "theirs"}

    def event(delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return b"data: " + json.dumps(head | {"choices": [choice]}).encode() + b"\n\n"

    parts = [event({"role": "assistant", "content": ""}), *(event({"content": word}) for word in words)]
    if done:
        parts.append(event({}, "stop"))
        if usage:
            parts.append(b"data: " + json.dumps(head | {"choices": [], "usage": usage}).encode() + b"\n\n")
        parts.append(b"data: [DONE]\n\n")
    return Scripted(content=parts, pause_s=pause_s)


def refusal(status: int, message: str, **headers: str) -> Scripted:
    error = {"error": {"message": message, "type": "theirs", "param": None, "code": "their_code"}}
    return Scripted(content=json.dumps(error).encode(), status=status, headers=headers)


class ScriptedServer(ThreadedServer):
    def __init__(self, reply: Callable[[dict[str, Any]], Scripted]) -> None:
        self.reply = reply
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.broken_off = 0
        """Connections that the caller closed before its answer was whole."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = b""
        try:
            while True:
                head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
                body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))))
                self.bodies.append(body)
                self.headers.append(headers)
                self.paths.append(head[0].split(" ")[1])
                answer = asyncio.ensure_future(self._answer(writer, self.reply(body)))
                left = asyncio.ensure_future(reader.read(1))
                left.add_done_callback(lambda read: read.cancelled() or read.exception())  # a reset is no news
                await asyncio.wait({answer, left}, return_when=asyncio.FIRST_COMPLETED)
                if not answer.done():
                    self.broken_off += 1
                    answer.cancel()
                    return
                if not answer.result():
                    return
                first = await left
                if not first:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, scripted: Scripted) -> bool:
        await asyncio.sleep(scripted.wait_s)
        head = [f"HTTP/1.1 {scripted.status} X", *(f"{name}: {value}" for name, value in scripted.headers.items())]
        if isinstance(scripted.content, bytes):
            if "content-type" not in scripted.headers:
                head.append("content-type: application/json")
            head.append(f"content-length: {len(scripted.content)}")
            writer.write("\r\n".join([*head, "", ""]).encode() + scripted.content)
            await writer.drain()
            return True
        writer.write(
            "\r\n".join([*head, "content-type: text/event-stream", "transfer-encoding: chunked", "", ""]).encode()
        )
        for part in scripted.content:
            if part is None:
                await asyncio.sleep(600)
            if part is ...:
                return False
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()
            await asyncio.sleep(scripted.pause_s)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True
