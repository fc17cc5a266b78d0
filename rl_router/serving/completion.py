"""An answer that no endpoint wrote, as OpenAI writes one: a whole body, or the events of a stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from rl_router.serving.json_bytes import dumps
from rl_router.types import Usage

PIECE = 24
"""Characters of an event: a text that is there already needs no more events than a reader can see."""


def usage_view(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def completion(text: str, *, model: str, answer_id: str, usage: Usage, finish_reason: str = "stop") -> bytes:
    message = {"role": "assistant", "content": text, "refusal": None}
    return dumps(
        {
            "id": answer_id,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}],
            "usage": usage_view(usage),
        }
    )


def completion_events(
    text: str, *, model: str, answer_id: str, usage: Usage, finish_reason: str = "stop"
) -> Iterator[bytes]:
    """Role, text in pieces, reason, usage, end."""
    head = {"id": answer_id, "object": "chat.completion.chunk", "created": int(time.time()), "model": model}

    def event(delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return b"data: %b\n\n" % dumps({**head, "choices": [choice]})

    yield event({"role": "assistant", "content": ""})
    for start in range(0, len(text), PIECE):
        yield event({"content": text[start : start + PIECE]})
    yield event({}, finish_reason)
    yield b"data: %b\n\n" % dumps({**head, "choices": [], "usage": usage_view(usage)})
    yield b"data: [DONE]\n\n"
