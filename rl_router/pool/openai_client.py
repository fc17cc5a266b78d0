"""Any OpenAI-compatible endpoint over HTTP/1.1 with kept connections, at little CPU per call."""

from __future__ import annotations

from time import perf_counter
from types import TracebackType
from typing import Self

from rl_router.pool import quick_json
from rl_router.pool.backend import Request
from rl_router.pool.chat import (
    Answer,
    ErrorInBody,
    Unreadable,
    error_message,
    read_body,
    read_events,
    reply_of,
    request_body,
    salvaged_usage,
    snippet,
)
from rl_router.pool.client import Outcome, failure, http_failure
from rl_router.pool.clock import Clock
from rl_router.pool.http_client import HttpClient, Unsent
from rl_router.pool.http_connection import MAX_BODY_BYTES, Broken, TooLarge
from rl_router.pool.keys import Mask
from rl_router.pool.retry import is_retried, retry_after_s
from rl_router.types import CallStatus


class OpenAIClient:
    """`mask` keeps keys that a server echoes out of whatever is read."""

    def __init__(self, *, stream: bool, mask: Mask, clock: Clock) -> None:
        self._stream, self._mask, self._clock = stream, mask, clock
        self._http = HttpClient()

    async def attempt(self, request: Request, url: str, key: str | None) -> Outcome:
        model = request.spec.name
        fields = {"content-type": "application/json"}
        if key is not None:
            fields["authorization"] = f"Bearer {key}"
        data = quick_json.encoded(request_body(request, url, stream=self._stream))
        began_s = perf_counter()
        try:
            response = await self._http.post(f"{url}/chat/completions", fields, data)
        except Unsent as error:
            reason = f"{model}: the connection failed ({snippet(str(error).encode())})."
            return Outcome(reply=failure(model, CallStatus.FAILED, reason), retry=True)
        except Broken as error:  # the answer may have been billed, in part or whole
            reason = f"{model}: the connection broke ({snippet(str(error).encode())})."
            usage = salvaged_usage(self._mask.body(error.partial))
            return Outcome(reply=failure(model, CallStatus.FAILED, reason, usage=usage), retry=True)
        except TooLarge:
            reason = f"{model}: the body has more than {MAX_BODY_BYTES // 2**20} MiB."
            return Outcome(reply=failure(model, CallStatus.UNREADABLE, reason, usage=None))
        latency_s = perf_counter() - began_s
        body = self._mask.body(response.body)
        if not 200 <= response.status < 300:
            wait_s = retry_after_s(response.headers, self._clock.date_s())
            return http_failure(model, response.status, error_message(body), wait_s)
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        return read(body, model=model, is_stream=is_stream, latency_s=latency_s)

    async def close(self) -> None:
        self._http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def read(body: bytes, *, model: str, is_stream: bool, latency_s: float) -> Outcome:
    """What a body of status 200 comes to."""
    try:
        answer: Answer = read_events(body.split(b"\n")) if is_stream else read_body(body)
    except ErrorInBody as error:
        if is_retried(error.status):
            return http_failure(model, error.status, str(error))
        return Outcome(reply=failure(model, CallStatus.REJECTED, f"{model}: {error}"))
    except Unreadable as error:
        reply = failure(model, CallStatus.UNREADABLE, f"{model}: {error}.", usage=error.usage, latency_s=latency_s)
        return Outcome(reply=reply, retry=is_stream)  # a stream that stops early is a broken connection
    return Outcome(reply=reply_of(answer, model=model, latency_s=latency_s))
