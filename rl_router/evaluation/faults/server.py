"""The world's simulated models over HTTP, on the loopback: right, late, or misbehaving, a share of the time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from rl_router.evaluation.loopback import ThreadedServer
from rl_router.pool.pool import ModelPool
from rl_router.types import Query

FAULTS = ("timeout", "rate_limited", "unreadable", "tags", "megabyte")
"""No answer, 429, a page of HTML, an answer behind a tag, an answer with a megabyte behind it."""
TAGS = "<answer>{}"
HTML = b"<html><body>502 Bad Gateway</body></html>"
MEGABYTE = "\n" + "blah " * 200_000


class WorldServer(ThreadedServer):
    """Answers what `pool`, a simulated one, answers: `latency_s` later, and a `share` of the tries with a fault.

    The faults are equally likely, and drawn for each try, so that a second one may pass. `counts` says what was done.
    """

    def __init__(self, pool: ModelPool, *, share: float = 0.0, latency_s: float = 0.0, seed: int = 0) -> None:
        self.pool, self.share, self.latency_s = pool, share, latency_s
        self.counts: Counter[str] = Counter()
        self._rng = Random(seed)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
                body = json.loads(await reader.readexactly(length))
                await asyncio.sleep(self.latency_s)
                writer.write(await self._reply(body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the caller went away, or the server ends with replies that it never meant to give
        finally:
            writer.close()

    async def _reply(self, body: dict[str, Any]) -> bytes:
        fault = self._rng.choice(FAULTS) if self._rng.random() < self.share else "none"
        self.counts[fault] += 1
        match fault:
            case "timeout":
                await asyncio.sleep(3600)
            case "rate_limited":
                return _http(429, b'{"error": {"message": "slow down"}}', "retry-after: 0.1\r\n")
            case "unreadable":
                return _http(200, HTML, kind="text/html")
        return _http(200, self._completion(body["model"], body["messages"], fault))

    def _completion(self, model: str, messages: Sequence[dict[str, str]], fault: str) -> bytes:
        prompt = messages[-1]["content"]
        query = Query(query_id="", text=prompt, answers=(), task="")
        reply = self.pool.ask(model, prompt, query=query).reply
        text = {"tags": TAGS.format(reply.text), "megabyte": reply.text + MEGABYTE}.get(fault, reply.text)
        usage = {"prompt_tokens": reply.usage.prompt_tokens, "completion_tokens": reply.usage.completion_tokens}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        made = {"id": "x", "object": "chat.completion", "model": model, "choices": [choice], "usage": usage}
        return json.dumps(made).encode()


def _http(status: int, body: bytes, headers: str = "", kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body
