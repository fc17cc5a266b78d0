"""The endpoints that are relayed, and how little the gateway reads of each: what is asked, and what it cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rl_router.pool.chat import read_usage
from rl_router.serving.errors import ApiError
from rl_router.types import Usage

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """`path` follows an endpoint's `/v1`. `messages` raises ApiError for a body that holds nothing to answer."""

    path: str
    messages: Callable[[Body], Sequence[Any]]
    usage: Callable[[Mapping[str, Any]], Usage | None]
    is_answer: Callable[[Mapping[str, Any]], bool]
    routed: bool = True
    """Whether a router may choose the model; of embeddings it may not, since vectors of two models do not compare."""


def chat_messages(body: Body) -> Sequence[Any]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "expected messages to be a list with at least one message", param="messages")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise ApiError(
                400, f"expected messages[{number}] to be an object with a role", param=f"messages[{number}].role"
            )
    return messages


def response_messages(body: Body) -> Sequence[Any]:
    """`input` of the Responses API is a text, or a list of items that look like messages."""
    given = body.get("input")
    if isinstance(given, str) and given:
        return [{"role": "user", "content": given}]
    if isinstance(given, list) and given:
        return given
    raise ApiError(400, "expected input to be a text or a list of items", param="input")


def embedding_input(body: Body) -> Sequence[Any]:
    if not body.get("input"):
        raise ApiError(400, "expected input to be a text, or a list of texts or tokens", param="input")
    return []


def response_usage(content: Mapping[str, Any]) -> Usage | None:
    """The Responses API counts under other names."""
    usage = content.get("usage")
    if not isinstance(usage, Mapping):
        return None
    renamed = {
        "prompt_tokens": usage.get("input_tokens"),
        "completion_tokens": usage.get("output_tokens"),
        "prompt_tokens_details": usage.get("input_tokens_details"),
        "completion_tokens_details": usage.get("output_tokens_details"),
    }
    return read_usage(renamed)


def embedding_usage(content: Mapping[str, Any]) -> Usage | None:
    usage = content.get("usage")
    return read_usage({"completion_tokens": 0, **usage}) if isinstance(usage, Mapping) else None


CHAT = Dialect(
    path="/chat/completions",
    messages=chat_messages,
    usage=lambda content: read_usage(content.get("usage")),
    is_answer=lambda content: isinstance(content.get("choices"), list) and bool(content["choices"]),
)
RESPONSES = Dialect(
    path="/responses",
    messages=response_messages,
    usage=response_usage,
    is_answer=lambda content: "output" in content,
)
EMBEDDINGS = Dialect(
    path="/embeddings",
    messages=embedding_input,
    usage=embedding_usage,
    is_answer=lambda content: isinstance(content.get("data"), list),
    routed=False,
)
