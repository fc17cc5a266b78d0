"""The seam behind which models live: a request goes in, a reply comes out, whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rl_router.pool.spec import ModelSpec
from rl_router.types import ModelReply, Query


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One call. `query` is the question of the episode; a backend that reads only `prompt` needs nothing of it."""

    spec: ModelSpec
    prompt: str
    query: Query
    max_tokens: int | None = None


class Backend(Protocol):
    """Anything that answers. It may raise or take for ever; the pool turns both into replies."""

    async def complete(self, request: Request) -> ModelReply: ...


@runtime_checkable
class DeterministicBackend(Protocol):
    """A backend whose reply is a pure function of the request: asking is free, so its price is known beforehand."""

    async def complete(self, request: Request) -> ModelReply: ...

    def reply(self, request: Request) -> ModelReply: ...
