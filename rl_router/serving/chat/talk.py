"""The page's side of the gateway's API: the names, an answer as it comes, what people think of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import openai

from rl_router.encoders.encoder import Encoder
from rl_router.serving.chat.conversation import Conversation, Mode, Turn, messages, most_similar

FAILURES = (openai.OpenAIError, httpx.HTTPError)  # the client lets through what breaks a stream


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How the next question is to be answered. `cost_weight` None: as the router was calibrated."""

    model: str = "auto"
    mode: Mode = "full_context"
    cost_weight: float | None = None


class Talk:
    """`similar` past questions at most go with a new one in the mode `retrieval`, found by `encoder`."""

    def __init__(self, client: openai.AsyncOpenAI, encoder: Encoder, *, similar: int) -> None:
        self._client = client.with_options(max_retries=0)  # what fails is shown
        self._similar = partial(most_similar, encoder, count=similar)

    async def models(self) -> list[str]:
        return [model.id async for model in self._client.models.list()]

    async def answers(self, conversation: Conversation, question: str, wish: Wish) -> AsyncIterator[Turn]:
        """The turn again and again as it grows; the last one is whole or has an error."""
        turn = Turn(question=question)
        yield turn
        extra: dict[str, Any] = {}
        if wish.cost_weight is not None:
            extra["cost_weight"] = wish.cost_weight
        if wish.mode == "full_context":
            extra["session_id"] = conversation.id
        sent: Any = messages(conversation.turns, question, wish.mode, self._similar)
        try:
            create = self._client.chat.completions.create
            async with await create(model=wish.model, messages=sent, stream=True, extra_body=extra) as stream:
                async for chunk in stream:
                    text = chunk.choices[0].delta.content if chunk.choices else None
                    metadata = (chunk.model_extra or {}).get("router_metadata")
                    if text or metadata:
                        turn = replace(turn, answer=turn.answer + (text or ""), metadata=metadata or turn.metadata)
                        yield turn
        except FAILURES as error:
            turn = replace(turn, error=said(error))
        if turn.metadata is None and not turn.error:
            turn = replace(turn, error="the stream ended without the gateway's metadata: is this an rl-router gateway?")
        yield turn

    async def rate(self, turn: Turn, *, up: bool) -> str:
        """Tells the gateway; what to tell the person."""
        if not turn.is_whole or turn.metadata is None:
            return "Only whole answers can be rated."
        body = {"request_id": turn.metadata["request_id"], "rating": "up" if up else "down"}
        try:
            await self._client.post("/feedback", body=body, cast_to=httpx.Response)
        except FAILURES as error:
            return f"The gateway did not take it: {said(error)}"
        return "Thank you: the gateway has noted it."


def said(error: Exception) -> str:
    """An error in the gateway's own words where it has said any."""
    body = getattr(error, "body", None)
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return body["message"]
    return " ".join(str(error).split()) or type(error).__name__
