"""An OpenAI-compatible server on the loopback for tests: it answers, streams, limits, hangs, drops and lies.

    with LoopbackServer(faults=Faults(share=0.3, seed=1)) as server:
        ...                      # server.url is the endpoint, up to and with /v1
        server.billed["mini"]    # the Usage that it told clients of, and bills

What happens to a question is drawn from (seed, model, prompt), so that it does not depend on the order of calls. A
fault that a client is meant to retry passes after `tries` attempts at most; any other stays with its question for ever.
The server bills the tokens whose count it sent, and counts apart the answers that it made and nobody saw the count of.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from rl_router.evaluation.loopback import ThreadedServer
from rl_router.types import Usage

PASSING = ("limit", "busy", "gone", "half", "cut_after_usage")
LASTING = ("hang", "html", "cut_json", "refuse", "thinks_on")


@dataclass(frozen=True, kw_only=True)
class Faults:
    """`share` of the questions to `models` (to all when there are none) meet one of `kinds`."""

    share: float = 0.0
    models: tuple[str, ...] = ()
    kinds: tuple[str, ...] = (*PASSING, *LASTING)
    seed: int = 0
    tries: int = 2
    retry_after: str = "0.02"


@dataclass
class LoopbackServer(ThreadedServer):
    """`answer` gives the text for a model and a prompt. `latency_s` is the time before a reply."""

    answer: Callable[[str, str], str] = lambda model, prompt: f"{model} says: {prompt[::-1]}"
    faults: Faults = field(default_factory=Faults)
    latency_s: float = 0.0
    limit_of_key: int | None = None
    """More calls than this under one key at the same time are refused with 429."""
    echo_key: bool = False
    """Write the key that came into every reply and error, as careless proxies do."""

    def __post_init__(self) -> None:
        self.billed: dict[str, Usage] = defaultdict(Usage)
        self.unseen = 0
        self.gone = 0
        self.requests = 0
        self.keys: Counter[str] = Counter()
        self.answered: Counter[tuple[str, str]] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.most_at_once = 0
        self._met: Counter[tuple[str, str]] = Counter()
        self._at_once: Counter[str] = Counter()

    def cost_usd(self, prices: dict[str, tuple[float, float, float]]) -> float:
        """The bill for (input, cached input, output) prices in USD per million tokens."""
        total = 0.0
        for model, usage in self.billed.items():
            fresh, cached, out = prices[model]
            total += (usage.prompt_tokens - usage.cached_tokens) * fresh + usage.cached_tokens * cached
            total += usage.completion_tokens * out
        return total / 1e6

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                key = headers.get("authorization", "").removeprefix("Bearer ")
                if not await self._reply(writer, json.loads(body), key):
                    break
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _reply(self, writer: asyncio.StreamWriter, body: dict[str, Any], key: str) -> bool:
        """Write one reply. False closes the connection."""
        self.requests += 1
        self.keys[key] += 1
        self.bodies.append(body)
        self._at_once[key] += 1
        self.most_at_once = max(self.most_at_once, sum(self._at_once.values()))
        try:
            if self.limit_of_key is not None and self._at_once[key] > self.limit_of_key:
                return self._send(
                    writer, 429, {"error": {"message": "too many"}}, f"retry-after: {self.faults.retry_after}"
                )
            await asyncio.sleep(self.latency_s)
            return await self._meet(writer, body, key)
        finally:
            self._at_once[key] -= 1

    async def _meet(self, writer: asyncio.StreamWriter, body: dict[str, Any], key: str) -> bool:
        model, prompt = body["model"], prompt_of(body)
        fault = self._fault(model, prompt)
        match fault:
            case "limit":
                wait = f"retry-after: {self.faults.retry_after}"
                return self._send(
                    writer, 429, {"error": {"message": f"slow down {key if self.echo_key else ''}"}}, wait
                )
            case "busy":
                return self._send_html(writer, 503)
            case "gone":  # the connection ends before a byte of an answer
                self.gone += 1
                return False
            case "refuse":
                shown = key if self.echo_key else "***"
                return self._send(writer, 400, {"error": {"message": f"not for the key {shown}: bad request"}})
            case "hang":
                self.unseen += 1
                await asyncio.sleep(600)
                return False
            case "html":
                self.unseen += 1
                return self._send_html(writer, 200)
        usage = usage_of(model, prompt, body)
        text = self.answer(model, prompt) + (f" {key}" if self.echo_key else "")
        finish = "stop"
        if fault == "thinks_on":
            text, finish = "", "length"
            usage = {**usage, "completion_tokens_details": {"reasoning_tokens": usage["completion_tokens"]}}
        if body.get("stream"):
            return self._stream(writer, model, prompt, text, finish, usage, fault)
        payload = json.dumps(
            {
                "id": "x",
                "object": "chat.completion",
                "model": model,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
                "usage": usage,
                "system_fingerprint": "loopback",
            }
        ).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n".encode()
        match fault:
            case "half":  # promised a whole body, sent a third of it
                self.unseen += 1
                writer.write(head + payload[: len(payload) // 3])
                return False
            case "cut_after_usage":  # the count came through, the end of the body did not
                self._bill(model, usage)
                writer.write(head + payload[:-15])
                return False
            case "cut_json":  # whole by its length, and no JSON
                self.unseen += 1
                cut = payload[: len(payload) // 3]
                head = (
                    f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(cut)}\r\n\r\n".encode()
                )
                writer.write(head + cut)
                return True
        self._bill(model, usage)
        self.answered[model, prompt] += 1
        writer.write(head + payload)
        return True

    def _stream(
        self, writer: asyncio.StreamWriter, model: str, prompt: str, text: str, finish: str, usage: Any, fault: str
    ) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        events: list[Any] = [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}]
        events += [{"choices": [{"index": 0, "delta": {"content": text[i : i + 7]}}]} for i in range(0, len(text), 7)]
        events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}]
        events += [{"choices": [], "usage": usage}]
        if fault in ("half", "cut_json"):
            self.unseen += 1
            events = events[: len(events) // 3]
        for event in events:
            self._chunk(writer, f"data: {json.dumps(event)}\n\n")
        if fault in ("half", "cut_json"):
            return False
        self._bill(model, usage)
        if fault == "cut_after_usage":
            return False
        self.answered[model, prompt] += 1
        self._chunk(writer, "data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        return True

    def _fault(self, model: str, prompt: str) -> str:
        draw = fraction(self.faults.seed, "fault", model, prompt)
        if draw >= self.faults.share or (self.faults.models and model not in self.faults.models):
            return ""
        kinds = self.faults.kinds
        kind = kinds[int(fraction(self.faults.seed, "kind", model, prompt) * len(kinds))]
        if kind in PASSING:
            self._met[model, prompt] += 1
            tries = 1 + int(fraction(self.faults.seed, "tries", model, prompt) * self.faults.tries)
            if self._met[model, prompt] > tries:
                return ""
        return kind

    def _bill(self, model: str, usage: Any) -> None:
        self.billed[model] += Usage(
            prompt_tokens=usage["prompt_tokens"],
            cached_tokens=usage["prompt_tokens_details"]["cached_tokens"],
            completion_tokens=usage["completion_tokens"],
            reasoning_tokens=usage["completion_tokens_details"]["reasoning_tokens"],
        )

    def _send(self, writer: asyncio.StreamWriter, status: int, content: Any, *headers: str) -> bool:
        payload = json.dumps(content).encode()
        lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(payload)}", *headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + payload)
        return True

    def _send_html(self, writer: asyncio.StreamWriter, status: int) -> bool:
        page = b"<html><head><title>Bad gateway</title></head><body><h1>nginx</h1></body></html>"
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-type: text/html\r\ncontent-length: {len(page)}\r\n\r\n".encode() + page
        )
        return True

    def _chunk(self, writer: asyncio.StreamWriter, text: str) -> None:
        data = text.encode()
        writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def prompt_of(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else json.dumps(content, sort_keys=True)


def usage_of(model: str, prompt: str, body: dict[str, Any]) -> dict[str, Any]:
    """Counts that look real and depend on the question alone: some cached input, some reasoning."""
    prompt_tokens = 7 + len(prompt.split())
    completion_tokens = 5 + int(200 * fraction(0, "tokens", model, prompt))
    limit = body.get("max_tokens") or body.get("max_completion_tokens")
    completion_tokens = min(completion_tokens, limit) if limit else completion_tokens
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": prompt_tokens // 3},
        "completion_tokens_details": {"reasoning_tokens": completion_tokens // 4},
    }


def fraction(*parts: object) -> float:
    """A number in [0, 1) that is always the same for the same parts."""
    digest = sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
