"""Any provider that litellm speaks to. It converts formats and signs requests; retries, limits and keys stay here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from rl_router.errors import PoolError
from rl_router.pool.backend import Request
from rl_router.pool.chat import Answer, Unreadable, read_body, reply_of, snippet
from rl_router.pool.client import Outcome, failure, http_failure
from rl_router.pool.clock import Clock
from rl_router.pool.keys import Mask
from rl_router.pool.retry import retry_after_s
from rl_router.types import CallStatus


def litellm_module() -> Any:
    """litellm without its habits: no download of prices at import, no hints on standard output, no call home."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    try:
        import litellm
    except ImportError:
        raise PoolError(
            "Calls through litellm need it: pip install 'rl-router[live]', or pool.client=openai."
        ) from None
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.drop_params = True  # what a model does not take, such as a temperature, is left out and no error
    return litellm


class LiteLLMClient:
    """`url` empty: litellm knows the provider's address from the model's name."""

    def __init__(self, *, stream: bool, mask: Mask, clock: Clock) -> None:
        self._stream, self._mask, self._clock = stream, mask, clock
        self._litellm = litellm_module()

    async def attempt(self, request: Request, url: str, key: str | None) -> Outcome:
        model = request.spec.name
        began_s = perf_counter()
        try:
            response = await self._litellm.acompletion(**self._arguments(request, url, key))
            if self._stream:
                chunks = [chunk async for chunk in response]
                response = self._litellm.stream_chunk_builder(chunks, messages=request.conversation)
            answer = self._answer(response)
        except self._litellm.exceptions.Timeout:
            return Outcome(reply=failure(model, CallStatus.TIMEOUT, f"{model} did not answer in time.", usage=None))
        except self._litellm.exceptions.APIConnectionError as error:
            reason = f"{model}: the connection broke ({self._text(error)})."
            return Outcome(reply=failure(model, CallStatus.FAILED, reason, usage=None), retry=True)
        except Unreadable as error:
            return Outcome(reply=failure(model, CallStatus.UNREADABLE, f"{model}: {error}.", usage=error.usage))
        except Exception as error:  # litellm's errors have no common root; most carry the status
            status = getattr(error, "status_code", None)
            reason = f"{model}: {self._text(error)}"
            if not isinstance(status, int) or status < 300 or (status >= 500 and _is_no_reply(error)):
                return Outcome(reply=failure(model, CallStatus.UNREADABLE, reason, usage=None))
            if status >= 500 and not _was_told(error):
                return Outcome(reply=failure(model, CallStatus.FAILED, reason, usage=None), retry=True)
            headers = getattr(getattr(error, "response", None), "headers", None) or {}
            wait_s = retry_after_s(headers, self._clock.date_s())
            return http_failure(model, status, self._text(error), wait_s)
        return Outcome(reply=reply_of(answer, model=model, latency_s=perf_counter() - began_s))

    def _arguments(self, request: Request, url: str, key: str | None) -> dict[str, Any]:
        spec, sampling = request.spec, request.sampling
        arguments: dict[str, Any] = {
            "model": spec.litellm_model or spec.name,
            "messages": request.conversation,
            "num_retries": 0,
            "max_retries": 0,
            "max_tokens": request.max_tokens,
            "temperature": sampling.temperature if spec.takes_temperature else None,
            "top_p": sampling.top_p if spec.takes_temperature else None,
            "seed": sampling.seed,
            "tools": list(request.tools) or None,
            "api_base": url or None,
            "api_key": key,
            "stream": self._stream or None,
            "stream_options": {"include_usage": True} if self._stream else None,
        }
        return {name: value for name, value in arguments.items() if value is not None}

    def _answer(self, response: Any) -> Answer:
        if response is None:
            raise Unreadable("litellm gave no response")
        answer = read_body(self._mask.body(response.model_dump_json().encode()))
        if self._stream and not answer.text and answer.usage is not None and not answer.usage.completion_tokens:
            # litellm makes an answer of no words and no tokens of a stream that held no event, such as a page of HTML
            raise Unreadable("the stream held no answer")
        return answer

    def _text(self, error: BaseException) -> str:
        text = str(error).removeprefix("litellm.")
        return snippet(self._mask.text(text).encode("utf-8", "replace"))

    async def close(self) -> None:
        close = getattr(self._litellm, "close_litellm_async_clients", None)
        if close is not None:
            await close()


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _was_told(error: BaseException) -> bool:
    """Whether an HTTP status came from the server, or nothing went out: litellm says 500 of broken connections too."""
    import httpx  # comes with litellm

    return any(isinstance(cause, httpx.HTTPStatusError | httpx.ConnectError) for cause in _causes(error))


def _is_no_reply(error: BaseException) -> bool:
    """Whether it is about a body of status 200 that is no reply, of which litellm says 500 as well."""
    if _was_told(error):
        return False
    empty = "Empty or invalid response from LLM endpoint" in str(error)
    return empty or any(isinstance(cause, ValueError) for cause in _causes(error))
