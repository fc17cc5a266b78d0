"""Questions in several turns: a model is asked each turn after its own replies to the turns before.

`meta["turns"]` of such a question holds every turn; what is graded, and what its cell costs, is the last one. An
earlier turn that is a question of its own is the same request, so it is found recorded and paid for once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rl_router.pool.backend import Request
from rl_router.types import Call, CallStatus

TURNS = "turns"


async def in_context(request: Request, send: Callable[[Request], Awaitable[Call]]) -> tuple[Request, Call | None]:
    """The request for the last turn, and the call of an earlier one when that failed: then there is no last turn.

    The request's question reads as the conversation so far, for whoever judges the answer to it.
    """
    turns = request.query.meta.get(TURNS)
    if not isinstance(turns, list) or len(turns) < 2 or not all(isinstance(turn, str) for turn in turns):
        return request, None
    messages = [message for message in request.conversation if message["role"] == "system"]
    for turn in turns[:-1]:
        messages.append({"role": "user", "content": turn})
        call = await send(replace(request, prompt=turn, messages=tuple(messages)))
        if call.reply.status is not CallStatus.OK:
            return request, call
        messages.append({"role": "assistant", "content": call.reply.text})
    messages.append({"role": "user", "content": turns[-1]})
    asked = replace(request.query, text=transcript(messages))
    return replace(request, prompt=turns[-1], messages=tuple(messages), query=asked), None


def transcript(messages: Sequence[Mapping[str, Any]]) -> str:
    said = [f"{message['role'].capitalize()}: {message['content']}" for message in messages]
    return "\n\n".join(["A conversation, of which the reply to the last turn is to be judged.", *said])
