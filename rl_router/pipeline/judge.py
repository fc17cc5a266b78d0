"""The judge's calls go through a pool like any other, so that they are priced, limited, recorded and in the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rl_router.data.graders.judge import Judge
from rl_router.pool.backend import Request, Sampling
from rl_router.pool.spec import ModelSpec
from rl_router.types import Call, CallStatus, ModelReply, Query

MAX_TOKENS = 4096
"""Enough for a model that reasons before it judges; one that does not ends by itself."""
NO_SAMPLING = Sampling(temperature=0.0)


class PoolJudge(Judge):
    """Asks `model` of a pool. `send` sends its requests and charges for them.

    `trouble` is the reason when its call failed: the answer is not graded then, and may be when it is asked again.
    """

    def __init__(self, model: ModelSpec, send: Callable[[Request], Awaitable[Call]]) -> None:
        super().__init__(self._ask)
        self._model, self._send = model, send
        self.trouble: str | None = None

    async def _ask(self, prompt: str, query: Query) -> ModelReply:
        request = Request(
            spec=self._model, prompt=prompt, query=query, max_tokens=MAX_TOKENS, sampling=NO_SAMPLING
        )  # fmt: skip
        reply = (await self._send(request)).reply
        self.trouble = None if reply.status is CallStatus.OK else reply.text
        return reply
