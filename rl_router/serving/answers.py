"""An answer on its way back: a whole body with the metadata in it, or a stream relayed event by event.

In a cascade a reply is judged before the client sees any of it, so there a stream is collected first.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from rl_router.pool.chat import Answer, ErrorInBody, Unreadable, read_body, read_events
from rl_router.pool.spec import ModelSpec
from rl_router.serving.breaker import Breaker
from rl_router.serving.dialect import RESPONSES
from rl_router.serving.errors import ApiError, Failed
from rl_router.serving.inbound import EVENTS, JSON
from rl_router.serving.json_bytes import dumps, loads, with_field
from rl_router.serving.relay import FIELD, Relay
from rl_router.serving.response_relay import ResponseRelay
from rl_router.serving.upstream import Reply, UpstreamError
from rl_router.types import CallStatus, Usage

if TYPE_CHECKING:
    from rl_router.serving.exchange import Exchange

AnyRelay = Relay | ResponseRelay
NO_CACHE = (b"cache-control", b"no-cache")


async def answer(
    exchange: Exchange, spec: ModelSpec, breaker: Breaker, reply: Reply, began_s: float, *, judged: bool
) -> None:
    """Relay `reply`, or raise Failed or UpstreamError while another model can still be asked."""
    if reply.is_stream:
        relay = _relay(exchange)
        if judged:
            await _judged_stream(exchange, spec, breaker, reply, relay, began_s)
        else:
            await _stream(exchange, spec, breaker, reply, relay, began_s)
        return
    data = exchange.catalog.mask.body(await reply.read(exchange.left_s))
    latency_s = time.perf_counter() - began_s
    usage = _usage_of(exchange, spec, breaker, reply, data, latency_s)
    breaker.succeeded()
    trace = exchange.trace
    trace.answered(spec, latency_s, usage, reply.status)
    send = partial(_send_whole, exchange, spec, reply.status, data, usage)
    if judged and not await exchange.climb.stands(spec.name, read_body(data).text, send):
        raise _not_trusted()
    await send()


async def _send_whole(exchange: Exchange, spec: ModelSpec, status: int, data: bytes, usage: Usage | None) -> None:
    trace = exchange.trace
    trace.model_used, trace.http_status, trace.outcome = spec.name, status, "ok"
    exchange.settle(trace, usage)
    body = with_field(data, FIELD, dumps(trace.metadata()))
    await exchange.inbound.reply(status, body, trace.headers(), JSON)


def _not_trusted() -> Failed:
    return Failed(ApiError(502, "no reply of the cascade was trusted"))


def _usage_of(
    exchange: Exchange, spec: ModelSpec, breaker: Breaker, reply: Reply, data: bytes, latency_s: float
) -> Usage | None:
    """What the body says it cost. Failed when it is no answer, whatever its status."""
    reason = "it is not JSON"
    try:
        content = loads(data)
        if isinstance(content, dict) and exchange.dialect.is_answer(content):
            return exchange.dialect.usage(content)
        reason = "it holds no answer"
    except ValueError:
        pass
    breaker.failed(time.monotonic())
    exchange.trace.failed(spec, CallStatus.UNREADABLE, latency_s, http_status=reply.status, billed_unknown=True)
    raise Failed(ApiError(502, f"what {spec.name} sent cannot be read: {reason}", code="unreadable"))


async def _stream(
    exchange: Exchange, spec: ModelSpec, breaker: Breaker, reply: Reply, relay: AnyRelay, began_s: float
) -> None:
    inbound, trace = exchange.inbound, exchange.trace
    trace.model_used = spec.name
    try:
        async for piece in reply.pieces(exchange.limits.idle_s):
            out = relay.feed(piece)
            if out:
                if not inbound.started:
                    trace.first_byte_s = time.perf_counter() - trace.began_s
                    await _begin(exchange)
                await inbound.write(out)
            if exchange.left_s < 0:
                raise UpstreamError(CallStatus.TIMEOUT, "the deadline passed", billed_unknown=True)
        _check_complete(spec, relay)
    except UpstreamError as error:
        if not inbound.started:
            raise
        await _break_off(exchange, spec, breaker, relay, error, began_s)
        return
    await _finish(exchange, spec, breaker, relay, began_s)


async def _judged_stream(
    exchange: Exchange, spec: ModelSpec, breaker: Breaker, reply: Reply, relay: AnyRelay, began_s: float
) -> None:
    data = await reply.read(exchange.left_s)
    out = relay.feed(data)
    _check_complete(spec, relay)
    breaker.succeeded()
    exchange.trace.answered(spec, time.perf_counter() - began_s, relay.usage, reply.status)
    send = partial(_send_stream, exchange, spec, relay, out)
    if not await exchange.climb.stands(spec.name, _text_of(data), send):
        raise _not_trusted()
    await send()


async def _send_stream(exchange: Exchange, spec: ModelSpec, relay: AnyRelay, out: bytes) -> None:
    """One that was read to its end and paid for before."""
    trace = exchange.trace
    trace.model_used, trace.first_byte_s = spec.name, time.perf_counter() - trace.began_s
    await _begin(exchange)
    await exchange.inbound.write(out)
    trace.outcome = "ok"
    exchange.settle(trace, relay.usage)
    await exchange.inbound.write(relay.end(dumps(trace.metadata())), more=False)


async def _begin(exchange: Exchange) -> None:
    exchange.trace.http_status = 200
    await exchange.inbound.start(200, [EVENTS, NO_CACHE, *exchange.trace.headers()])


async def _finish(exchange: Exchange, spec: ModelSpec, breaker: Breaker, relay: AnyRelay, began_s: float) -> None:
    breaker.succeeded()
    trace = exchange.trace
    trace.answered(spec, time.perf_counter() - began_s, relay.usage)
    if not exchange.inbound.started:  # an answer of nothing but its end
        await _begin(exchange)
    trace.outcome = "ok"
    exchange.settle(trace, relay.usage)
    await exchange.inbound.write(relay.end(dumps(trace.metadata())), more=False)


async def _break_off(
    exchange: Exchange, spec: ModelSpec, breaker: Breaker, relay: AnyRelay, error: UpstreamError, began_s: float
) -> None:
    """The client has the beginning of an answer; that it is not the whole must be said in the stream."""
    breaker.failed(time.monotonic())
    trace = exchange.trace
    latency_s = time.perf_counter() - began_s
    trace.failed(spec, error.status, latency_s, http_status=200, billed_unknown=True, usage=relay.usage)
    trace.outcome = "broken_stream"
    exchange.settle(trace, relay.usage)
    said = ApiError(502, error.reason, code="stream_broke").body
    await exchange.inbound.write(b"data: %b\n\n" % said, more=False)


def _relay(exchange: Exchange) -> AnyRelay:
    if exchange.dialect is RESPONSES:
        return ResponseRelay(mask=exchange.catalog.mask)
    return Relay(wants_usage=_wants_usage(exchange.body), mask=exchange.catalog.mask)


def _check_complete(spec: ModelSpec, relay: AnyRelay) -> None:
    if relay.error is not None:
        raise UpstreamError(CallStatus.FAILED, f"{spec.name} said an error in its stream", billed_unknown=True)
    if not relay.complete:
        raise UpstreamError(CallStatus.FAILED, f"the stream of {spec.name} broke off", billed_unknown=True)


def _text_of(stream: bytes) -> str:
    try:
        found: Answer = read_events(stream.split(b"\n"))
    except (Unreadable, ErrorInBody):
        return ""
    return found.text


def _wants_usage(body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options")
    return isinstance(options, Mapping) and bool(options.get("include_usage"))
