"""One request on its way: models are asked by rank until one answers, and its answer is relayed as it comes.

Nothing goes to the client before a model has begun to answer, so one that fails until then is replaced by the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rl_router.pool.chat import OPENAI, error_message
from rl_router.pool.retry import retry_after_s
from rl_router.pool.spec import ModelSpec
from rl_router.serving.answers import answer
from rl_router.serving.breaker import Breaker
from rl_router.serving.catalog import Catalog
from rl_router.serving.climb import OVER_BUDGET, Climb
from rl_router.serving.dialect import Dialect
from rl_router.serving.errors import ApiError, Failed
from rl_router.serving.inbound import Inbound
from rl_router.serving.job import ServeLimits
from rl_router.serving.json_bytes import dumps, loads
from rl_router.serving.routing import Choice
from rl_router.serving.trace import Trace
from rl_router.serving.upstream import Reply, UpstreamError, kind_of_refusal
from rl_router.types import CallStatus, Query, Usage


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """`settle` is called once, before an answer's last byte goes out."""

    inbound: Inbound
    trace: Trace
    dialect: Dialect
    body: dict[str, Any]
    choice: Choice
    catalog: Catalog
    limits: ServeLimits
    deadline_s: float
    query: Query
    settle: Callable[[Trace, Usage | None], None]
    climb: Climb

    @property
    def left_s(self) -> float:
        return self.deadline_s - time.monotonic()

    async def run(self) -> None:
        """Answers the client, with an upstream's refusal if need be; ApiError when there is not even that."""
        failed: Failed | None = None
        rests_s: list[float] = []
        for rank, model in enumerate(self.choice.models):
            breaker = self.catalog.breakers[model, self.dialect.path]
            if self.left_s <= 0:
                break
            if not self.climb.affords(model):
                self.trace.stop = OVER_BUDGET
                if self.climb.held is not None:
                    break
                continue
            if not breaker.admits(time.monotonic()):
                self.trace.skipped(model)
                rests_s.append(breaker.rest_s(time.monotonic()))
                continue
            try:
                self.climb.at(rank)
                await self._ask(self.catalog.specs[model], breaker, judged=rank < self.choice.steps)
                return
            except Failed as error:
                failed = error
                if error.final:
                    break
        if self.climb.held is not None:
            await self.climb.held()
            return
        await self._give_up(failed, rests_s)

    async def _ask(self, spec: ModelSpec, breaker: Breaker, *, judged: bool) -> None:
        began_s = time.perf_counter()
        try:
            reply = await self.catalog.upstream.post(
                spec, self.dialect.path, self._body_for(spec), wait_s=self.limits.call_s, total_s=self.left_s
            )
        except UpstreamError as error:
            raise self.no_answer(spec, breaker, error, began_s) from None
        try:
            if not 200 <= reply.status < 300:
                raise await self._refused(spec, breaker, reply, began_s)
            await answer(self, spec, breaker, reply, began_s, judged=judged)
        except UpstreamError as error:  # the body broke off before anything of it was sent on
            raise self.no_answer(spec, breaker, error, began_s) from None
        finally:
            reply.close()

    def no_answer(self, spec: ModelSpec, breaker: Breaker, error: UpstreamError, began_s: float) -> Failed:
        """The connection failed or broke, or time ran out."""
        breaker.failed(time.monotonic())
        latency_s = time.perf_counter() - began_s
        self.trace.failed(spec, error.status, latency_s, billed_unknown=error.billed_unknown)
        status = {CallStatus.TIMEOUT: 504, CallStatus.RATE_LIMITED: 429}.get(error.status, 502)
        code = "upstream_timeout" if status == 504 else "upstream_failed"
        return Failed(ApiError(status, error.reason, code=code, retry_after_s=error.retry_after_s))

    async def _refused(self, spec: ModelSpec, breaker: Breaker, reply: Reply, began_s: float) -> Failed:
        """A status that is no success. One that is the request's own fault would be refused by the others too."""
        body = self.catalog.mask.body(await reply.read(self.left_s))
        status, now_s = reply.status, time.monotonic()
        kind, is_ours = kind_of_refusal(status)
        if is_ours:
            breaker.succeeded()
        else:
            breaker.failed(now_s)
        self.trace.failed(spec, kind, time.perf_counter() - began_s, http_status=status)
        wait_s = retry_after_s(reply.headers, time.time())
        error = ApiError(status if status >= 400 else 502, error_message(body), retry_after_s=wait_s)
        own = (status, body, error.headers) if status >= 400 and _is_error(body) else None
        return Failed(error, reply=own, final=is_ours)

    async def _give_up(self, failed: Failed | None, rests_s: list[float]) -> None:
        trace = self.trace
        if failed is not None and failed.reply is not None:
            status, body, headers = failed.reply
            trace.http_status, trace.outcome = status, "refused"
            self.settle(trace, None)
            await self.inbound.reply(status, body, [*headers, *trace.headers()])
        elif failed is not None:
            raise failed.error
        elif rests_s:
            message = "every model that may answer rests after failures; try again later"
            raise ApiError(503, message, code="models_resting", retry_after_s=min(rests_s))
        elif trace.stop == OVER_BUDGET:
            message = "what is left of budget_usd is less than any other model will cost"
            raise ApiError(400, message, code="over_budget", param="budget_usd")
        else:
            raise ApiError(504, "the deadline passed before a model could be asked", code="deadline_exceeded")

    def _body_for(self, spec: ModelSpec) -> bytes:
        """The request as it came, under the model's own name. What a router chose must also fit the chosen model."""
        body = self.body | {"model": spec.api_model or spec.name}
        if self.trace.stream and self.dialect.path == "/chat/completions":
            options = body.get("stream_options")
            body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        if self.choice.decision is not None:
            if not spec.takes_temperature:
                body.pop("temperature", None)
                body.pop("top_p", None)
            if OPENAI in (spec.endpoint or "") and "max_tokens" in body:
                body.setdefault("max_completion_tokens", body.pop("max_tokens"))
        return dumps(body)


def _is_error(body: bytes) -> bool:
    """Whether clients will find an error where OpenAI's stands."""
    try:
        content = loads(body)
    except ValueError:
        return False
    return isinstance(content, dict) and isinstance(content.get("error"), dict)
