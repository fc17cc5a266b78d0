"""OpenAI's chat completions on the wire: a request becomes a body, a body becomes an answer or says why it is none.

https://platform.openai.com/docs/api-reference/chat. Other providers bend the format; what is bent here has been seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rl_router.pool import quick_json
from rl_router.pool.backend import Request
from rl_router.types import CallStatus, ModelReply, Usage

THOUGHT = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)
USAGE = re.compile(r'"usage"\s*:\s*(?=\{)')
OPENAI = "api.openai.com"


class Answer(NamedTuple):
    """What a body says. `usage` None: it does not say."""

    text: str
    finish_reason: str
    usage: Usage | None


class Unreadable(Exception):
    """A body that is no reply. `usage` is what could still be read of it."""

    def __init__(self, reason: str, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.usage = usage


class ErrorInBody(Exception):
    """Status 200 around an error object, as OpenRouter sends; `status` is the one that it means."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def request_body(request: Request, url: str, *, stream: bool) -> dict[str, Any]:
    spec, sampling = request.spec, request.sampling
    body: dict[str, Any] = {"model": spec.api_model or spec.name, "messages": request.conversation}
    if request.max_tokens is not None:
        # OpenAI's reasoning models refuse max_tokens, and few others know max_completion_tokens
        body["max_completion_tokens" if OPENAI in url else "max_tokens"] = request.max_tokens
    if spec.takes_temperature:
        chosen = {"temperature": sampling.temperature, "top_p": sampling.top_p}
        body |= {name: value for name, value in chosen.items() if value is not None}
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if request.tools:
        body["tools"] = list(request.tools)
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def read_body(body: bytes) -> Answer:
    """The answer in a whole body; raises Unreadable or ErrorInBody."""
    try:
        content = quick_json.decoded(body)
    except (ValueError, RecursionError):
        raise Unreadable(f"the body is not JSON: {snippet(body)}", salvaged_usage(body)) from None
    if not isinstance(content, dict):
        raise Unreadable(f"the body is a JSON {type(content).__name__}, not an object")
    usage = read_usage(content.get("usage"))
    _check_error(content)
    try:
        choice = content["choices"][0]
        message = choice["message"]
        return Answer(text=_message_text(message), finish_reason=str(choice.get("finish_reason") or ""), usage=usage)
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Unreadable(f"the body has no choices[0].message: {snippet(body)}", usage) from None


def read_events(lines: Iterable[bytes]) -> Answer:
    """The answer in the lines of an event stream; one that stops before its end raises Unreadable."""
    text: list[str] = []
    finish_reason, usage, done = "", None, False
    for line in lines:
        if not line.startswith(b"data:"):
            continue  # comments keep the connection alive, and an empty line ends an event
        data = line[5:].strip()
        if data == b"[DONE]":
            done = True
            break
        try:
            chunk = quick_json.decoded(data)
            _check_error(chunk)
            usage = read_usage(chunk.get("usage")) or usage
            for choice in chunk.get("choices") or ():
                text.append((choice.get("delta") or {}).get("content") or "")
                finish_reason = choice.get("finish_reason") or finish_reason
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise Unreadable(f"an event of the stream is no chunk: {snippet(data)}", usage) from None
    if not done and not finish_reason:
        raise Unreadable("the stream ended before the answer did", usage)
    return Answer(text=_answer_of("".join(text)), finish_reason=finish_reason, usage=usage)


def read_usage(value: object) -> Usage | None:
    """The counts of a usage object, None unless it holds both that prices need."""
    if not isinstance(value, dict):
        return None
    prompt, completion = _count(value, "prompt_tokens"), _count(value, "completion_tokens")
    if prompt is None or completion is None:
        return None
    cached = _count(value.get("prompt_tokens_details"), "cached_tokens")
    if cached is None and "prompt_cache_hit_tokens" in value:  # DeepSeek's own API
        cached = _count(value, "prompt_cache_hit_tokens")
    reasoning = _count(value.get("completion_tokens_details"), "reasoning_tokens") or 0
    if reasoning and _count(value, "total_tokens") == prompt + completion + reasoning:
        completion += reasoning  # xAI counts its reasoning beside the completion, and bills both
    return Usage(
        prompt_tokens=prompt,
        cached_tokens=min(cached or 0, prompt),
        completion_tokens=completion,
        reasoning_tokens=min(reasoning, completion),
    )


def salvaged_usage(body: bytes) -> Usage | None:
    """The usage object of a body that was cut after it."""
    text = body.decode("utf-8", "replace")
    for match in USAGE.finditer(text):
        try:
            return read_usage(json.JSONDecoder().raw_decode(text, match.end())[0])
        except (ValueError, RecursionError):
            continue
    return None


def reply_of(answer: Answer, *, model: str, latency_s: float) -> ModelReply:
    """The reply that an answer is: nothing but thought before the tokens ran out is a truncation, not an answer."""
    status, text = CallStatus.OK, answer.text
    if not text.strip() and answer.finish_reason == "length":
        status = CallStatus.TRUNCATED
        text = f"{model} spent all its tokens before the first word of an answer; allow more."
    elif not text.strip() and answer.finish_reason == "content_filter":
        status = CallStatus.REJECTED
        text = f"The provider's content filter withheld the answer of {model}."
    return ModelReply(
        model=model, text=text, usage=answer.usage or Usage(), latency_s=latency_s, status=status,
        finish_reason=answer.finish_reason, usage_known=answer.usage is not None,
    )  # fmt: skip


def error_message(body: bytes) -> str:
    """The message of an error body, in whatever shape, on one line."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return snippet(body)
    error = content.get("error", content) if isinstance(content, dict) else content
    message = error.get("message", error) if isinstance(error, dict) else error
    return snippet(str(message).encode("utf-8", "replace"))


def snippet(body: bytes, limit: int = 160) -> str:
    """The beginning of a body on one line, without the tags of HTML."""
    text = re.sub(r"<[^<>]{0,300}>", " ", body[:4000].decode("utf-8", "replace"))
    text = " ".join(text.split())
    return text[:limit] + ("…" if len(text) > limit else "") if text else "(empty)"


def _check_error(content: Mapping[str, Any]) -> None:
    error = content.get("error")
    if error:
        code = str(error.get("code") if isinstance(error, Mapping) else "")
        status = int(code) if code.isdecimal() and len(code) == 3 else 500
        raise ErrorInBody(status, error_message(json.dumps(content).encode()))


def _message_text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):  # content parts, as some providers answer
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    if content:
        return _answer_of(str(content))
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:  # a call is the answer where tools were offered
        named = [{"name": c["function"]["name"], "arguments": c["function"]["arguments"]} for c in calls]
        return json.dumps(named, ensure_ascii=False)
    return str(message.get("refusal") or "")


def _answer_of(text: str) -> str:
    """The text after the thought that some servers leave in it; a thought that never ends has no answer after it."""
    if not text.lstrip().startswith("<think>"):
        return text
    return THOUGHT.sub("", text, count=1) if "</think>" in text else ""


def _count(value: object, name: str) -> int | None:
    count = value.get(name) if isinstance(value, dict) else None
    return count if type(count) is int and count >= 0 else None  # a bool is an int of another type
