"""The seam behind which models live: a request goes in, a reply comes out, whoever wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

from rl_router.pool.spec import ModelSpec
from rl_router.types import ModelReply, Query


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How a live model samples. What is None is left to the provider."""

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None


PROVIDERS_OWN = Sampling()
IN_ONE_SPELLING = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call. `query` is the question of the episode; a backend that reads only `prompt` needs nothing of it.

    `messages` is the whole conversation in OpenAI's form where `prompt` alone does not say it: a system prompt, images.
    `epoch` tells samples of one question apart: the same request in another epoch is asked again, not found recorded.
    """

    spec: ModelSpec
    prompt: str
    query: Query
    max_tokens: int | None = None
    messages: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    sampling: Sampling = PROVIDERS_OWN
    tools: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    epoch: int = 0

    @property
    def conversation(self) -> list[Mapping[str, Any]]:
        return list(self.messages) or [{"role": "user", "content": self.prompt}]

    @cached_property
    def meaning(self) -> str:
        """Model, endpoint, messages, sampling, tools and epoch as JSON, in one spelling for one meaning."""
        sampling = self.sampling
        meaning = {
            "model": self.spec.api_model or self.spec.name,
            "endpoint": self.spec.endpoint,
            "messages": self.conversation,
            "sampling": {
                "max_tokens": self.max_tokens,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "seed": sampling.seed,
            },
            "tools": list(self.tools),
            "epoch": self.epoch,
        }
        return IN_ONE_SPELLING.encode(meaning)

    @cached_property
    def key(self) -> str:
        """What a recorded reply is found by. Prices are no part of it: they do not change what a model says."""
        return sha256(self.meaning.encode()).hexdigest()


class Backend(Protocol):
    """Anything that answers. It may raise or take for ever; the pool turns both into replies."""

    async def complete(self, request: Request) -> ModelReply: ...


@runtime_checkable
class DeterministicBackend(Protocol):
    """A backend whose reply is a pure function of the request: asking is free, so its price is known beforehand."""

    async def complete(self, request: Request) -> ModelReply: ...

    def reply(self, request: Request) -> ModelReply: ...
