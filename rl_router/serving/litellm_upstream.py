"""Models of any provider that litellm speaks to: it converts the format and signs, everything else stays the gateway's.

litellm takes addresses, keys, plug-ins and fallbacks among the arguments of a call, and fetches what a picture's URL
names. So only OpenAI's own fields are passed to it, and pictures only as data.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from rl_router.pool.litellm_client import litellm_module
from rl_router.pool.live_pool import key_rings
from rl_router.pool.retry import retry_after_s
from rl_router.pool.spec import ModelSpec
from rl_router.serving.errors import ApiError
from rl_router.serving.json_bytes import loads
from rl_router.serving.upstream import UpstreamError
from rl_router.types import CallStatus

FIELDS = {
    "/chat/completions": (
        "messages", "stream", "stream_options", "temperature", "top_p", "n", "stop", "seed", "max_tokens",
        "max_completion_tokens", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs",
        "tools", "tool_choice", "parallel_tool_calls", "response_format", "user", "reasoning_effort",
    ),
    "/embeddings": ("input", "dimensions", "encoding_format", "user"),
}  # fmt: skip
"""By path. A field that is not here is left out."""
NO_KEY = "none"
"""litellm wants some key, also for an endpoint on the loopback that asks for none."""
DONE = b"data: [DONE]\n\n"


class LiteLLMUpstream:
    """`api_model` is the model's litellm name; one that has an endpoint is asked there. PoolError without a key."""

    def __init__(self, specs: Iterable[ModelSpec], environment: Mapping[str, str]) -> None:
        self._litellm = litellm_module()
        self._rings = key_rings(specs, environment)

    async def post(self, spec: ModelSpec, path: str, body: bytes, *, wait_s: float, total_s: float) -> LiteLLMReply:
        """Whatever status litellm reports, with its words; UpstreamError where there is none."""
        if path not in FIELDS:
            return LiteLLMReply.of(spec.name, ApiError(404, f"models behind litellm have no {path}"))
        content = loads(body)
        if _names_a_place(content.get("messages")):
            return LiteLLMReply.of(spec.name, ApiError(400, "pictures and files go inline here, as data: URLs"))
        ring = self._rings[spec.name]
        key, rest_s = ring.take(time.monotonic())
        if rest_s > 0:
            reason = f"every key for {spec.name} rests for {rest_s:.0f} s"
            raise UpstreamError(CallStatus.RATE_LIMITED, reason, retry_after_s=rest_s)
        limit_s = min(wait_s, total_s)
        arguments = {name: value for name, value in content.items() if name in FIELDS[path]}
        arguments |= {
            "model": spec.litellm_model or spec.api_model or spec.name, "api_base": spec.endpoint,
            "api_key": key or NO_KEY, "timeout": limit_s, "num_retries": 0, "max_retries": 0,
        }  # fmt: skip
        call = self._litellm.aembedding if path == "/embeddings" else self._litellm.acompletion
        try:
            async with asyncio.timeout(limit_s):
                answer = await call(**arguments)
        except Exception as error:  # litellm's errors have no common root; most carry the status
            reply = self._refusal(spec.name, error, limit_s)
            if reply.status == 429:
                ring.rest(key, time.monotonic() + (retry_after_s(reply.headers, time.time()) or 0.0))
            return reply
        if answer is None:  # what litellm makes of a 422, after it has tried without some of the fields
            return LiteLLMReply.of(spec.name, ApiError(422, f"{spec.name} cannot process this request"))
        if content.get("stream"):
            return LiteLLMReply(spec.name, 200, {}, answer)
        return LiteLLMReply(spec.name, 200, {}, answer.model_dump_json(exclude_none=False).encode())

    def _refusal(self, model: str, error: Exception, limit_s: float) -> LiteLLMReply:
        exceptions = self._litellm.exceptions
        if isinstance(error, TimeoutError | exceptions.Timeout):
            reason = f"{model} did not answer within {limit_s:.3g} seconds"
            raise UpstreamError(CallStatus.TIMEOUT, reason, billed_unknown=True) from None
        status = getattr(error, "status_code", None)
        if isinstance(error, exceptions.APIConnectionError) or not isinstance(status, int) or status < 400:
            reason = f"the connection to {model} broke ({type(error).__name__})"
            raise UpstreamError(CallStatus.FAILED, reason, billed_unknown=True) from None
        headers = dict(getattr(error, "litellm_response_headers", None) or {})
        message = " ".join(str(error).removeprefix("litellm.").split())
        return LiteLLMReply(model, status, headers, ApiError(status, message).body)

    async def close(self) -> None:
        await self._litellm.close_litellm_async_clients()


class LiteLLMReply:
    """`answer` is a whole body, or litellm's chunks, which become the events that OpenAI sends."""

    def __init__(self, model: str, status: int, headers: Mapping[str, str], answer: Any) -> None:
        self.status, self.headers = status, headers
        self._model, self._answer = model, answer

    @classmethod
    def of(cls, model: str, error: ApiError) -> LiteLLMReply:
        return cls(model, error.status, {}, error.body)

    @property
    def is_stream(self) -> bool:
        return not isinstance(self._answer, bytes)

    async def read(self, idle_s: float) -> bytes:
        if isinstance(self._answer, bytes):
            return self._answer
        return b"".join([piece async for piece in self.pieces(idle_s)])

    async def pieces(self, idle_s: float) -> AsyncIterator[bytes]:
        chunks = aiter(self._answer)
        try:
            while True:
                async with asyncio.timeout(idle_s):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                yield b"data: %b\n\n" % chunk.model_dump_json(exclude_none=True).encode()
        except TimeoutError:
            raise UpstreamError(CallStatus.TIMEOUT, f"{self._model} fell silent", billed_unknown=True) from None
        except Exception as error:
            reason = f"the stream of {self._model} broke ({type(error).__name__})"
            raise UpstreamError(CallStatus.FAILED, reason, billed_unknown=True) from None
        yield DONE

    def close(self) -> None:
        """litellm's own stream ends when it is collected; nobody else holds it."""
        self._answer = b""


def _names_a_place(messages: Any) -> bool:
    """Whether a part holds an address or an id instead of what it stands for."""
    if isinstance(messages, list):
        return any(map(_names_a_place, messages))
    if not isinstance(messages, dict):
        return False
    for name, value in messages.items():
        if name in ("url", "image_url", "file_url", "file_id") and isinstance(value, str):
            if not value.startswith("data:"):
                return True
        elif name != "function" and _names_a_place(value):  # what a tool is called with is text
            return True
    return False
