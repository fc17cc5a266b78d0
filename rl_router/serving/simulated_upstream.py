"""The pool's own simulation instead of its endpoints: a gateway that can be tried without a provider or a key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping

from rl_router.data.world import World
from rl_router.errors import PoolError
from rl_router.pool.backend import Request
from rl_router.pool.simulated import SimulatedBackend, simulation
from rl_router.pool.spec import ModelSpec
from rl_router.serving.completion import completion, completion_events
from rl_router.serving.errors import ApiError
from rl_router.serving.json_bytes import loads
from rl_router.serving.request_text import request_text
from rl_router.types import Query


class SimulatedUpstream:
    """Answers chat completions from the text that the person asked."""

    def __init__(self, specs: Iterable[ModelSpec], seed: int = 0) -> None:
        for spec in specs:
            simulation(spec)  # a PoolError now, not in mid-request
        self._backend = SimulatedBackend(World(seed))

    async def post(self, spec: ModelSpec, path: str, body: bytes, *, wait_s: float, total_s: float) -> SimulatedReply:
        if path != "/chat/completions":
            error = ApiError(404, f"a simulated model has no {path}", code="not_simulated")
            return SimulatedReply(404, (error.body,), is_stream=False)
        content = loads(body)
        text = request_text(content["messages"]) or "?"
        query = Query(query_id="simulated", text=text, answers=(), task="")
        limit = content.get("max_completion_tokens") or content.get("max_tokens")
        try:
            reply = self._backend.reply(Request(spec=spec, prompt=text, query=query, max_tokens=limit))
        except (PoolError, TypeError) as error:
            return SimulatedReply(400, (ApiError(400, str(error)).body,), is_stream=False)
        made = {"model": spec.name, "answer_id": "chatcmpl-simulated", "usage": reply.usage}
        if content.get("stream"):
            return SimulatedReply(200, tuple(completion_events(reply.text, **made)), is_stream=True)  # type: ignore[arg-type]
        return SimulatedReply(200, (completion(reply.text, **made),), is_stream=False)  # type: ignore[arg-type]

    async def close(self) -> None:
        return None


class SimulatedReply:
    def __init__(self, status: int, parts: tuple[bytes, ...], *, is_stream: bool) -> None:
        self.status, self._parts, self._is_stream = status, parts, is_stream
        self.headers: Mapping[str, str] = {}

    @property
    def is_stream(self) -> bool:
        return self._is_stream

    async def read(self, idle_s: float) -> bytes:
        return b"".join(self._parts)

    async def pieces(self, idle_s: float) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part

    def close(self) -> None:
        return None
