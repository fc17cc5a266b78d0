"""What a policy came to, as a chat completion: its answer, every call it made, and the price of its own tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rl_router.data.modalities import modalities_of
from rl_router.serving.completion import completion, completion_events
from rl_router.serving.decide import Asked
from rl_router.serving.errors import ApiError
from rl_router.serving.inbound import EVENTS, Inbound
from rl_router.serving.json_bytes import dumps, with_field
from rl_router.serving.relay import FIELD, Relay
from rl_router.serving.request_text import conversation_text
from rl_router.serving.routing import Choice
from rl_router.serving.trace import CallRecord, Trace, record_of_charge
from rl_router.serving.upstream_backend import UpstreamBackend
from rl_router.types import Call, Episode, Query

if TYPE_CHECKING:
    from rl_router.serving.app import Gateway

NOT_FOR_POLICIES = ("tools", "tool_choice", "functions", "response_format", "logprobs", "logit_bias")
"""What a policy cannot pass on: it asks models in its own words and answers in text."""


async def answer_by_policy(
    gateway: Gateway, inbound: Inbound, trace: Trace, asked: Asked, body: dict[str, Any], deadline_s: float
) -> None:
    """ApiError for a request that asks for more than text, and where no answer comes in time."""
    from rl_router.serving.policy import best_so_far, turns

    name = asked.target.policy
    assert name is not None
    query = whole_query(trace, asked, body)
    backend = UpstreamBackend(gateway.catalog, gateway.job.limits, deadline_s)
    try:
        async with asyncio.timeout(deadline_s - time.monotonic()):
            episode = await gateway.catalog.policies[name].play(query, asked.extras, backend, trace.ledger)
    except BaseException as error:  # what it has asked until then is paid for
        trace.calls = [record_of_charge(charge) for charge in trace.ledger.charges if charge.purpose == "worker"]
        if isinstance(error, TimeoutError):
            message = "the deadline passed before the policy had an answer"
            raise ApiError(504, message, code="deadline_exceeded") from None
        raise
    trace.turns = turns(episode)
    note(trace, name, episode)
    gateway.settle(trace)
    await send_episode(gateway, inbound, trace, best_so_far(episode), episode, body)


def whole_query(trace: Trace, asked: Asked, body: Mapping[str, Any]) -> Query:
    """What there is to read, earlier turns and all. ApiError for a request that asks for more than text."""
    refused = next((field for field in NOT_FOR_POLICIES if body.get(field)), "n" if body.get("n", 1) != 1 else None)
    if refused is not None:
        raise ApiError(400, f"{asked.target.own} answers in text: it takes no {refused}", param=refused)
    if modalities := modalities_of(asked.query):
        message = f"{asked.target.own} reads text alone, and the request has {' and '.join(modalities)}"
        raise ApiError(400, message, code="modality_not_supported", param="messages")
    text = conversation_text(body.get("messages") or []) or asked.query.text
    return Query(query_id=trace.request_id, text=text, answers=(), task="")


def note(trace: Trace, name: str, episode: Episode) -> None:
    """What an episode came to, for the client, the log and the metrics."""
    trace.calls = [record_of(call) for call in episode.calls]
    trace.stop, trace.http_status, trace.outcome = episode.stop.value, 200, "ok"
    trace.model_used = episode.calls[-1].model if episode.calls else name
    trace.choice = Choice(
        strategy=name, models=tuple(call.model for call in episode.calls), cost_weight=episode.cost_weight
    )


def record_of(call: Call) -> CallRecord:
    reply = call.reply
    return CallRecord(
        model=call.model, status=reply.status.value, latency_s=reply.latency_s,
        cost_usd=call.cost_usd if reply.usage_known else None, usage=reply.usage, query=call.query,
    )  # fmt: skip


async def send_episode(
    gateway: Gateway, inbound: Inbound, trace: Trace, text: str, episode: Episode, body: dict[str, Any]
) -> None:
    made: dict[str, Any] = {
        "model": trace.asked_model,
        "answer_id": f"chatcmpl-{trace.request_id}",
        "usage": episode.usage,
        "finish_reason": "stop" if episode.answer is not None else "length",
    }
    if not trace.stream:
        data = with_field(completion(text, **made), FIELD, dumps(trace.metadata()))
        await inbound.reply(200, data, trace.headers())
        return
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and bool(options.get("include_usage"))
    relay = Relay(wants_usage=wants_usage, mask=gateway.catalog.mask)
    await inbound.start(200, [EVENTS, *trace.headers()])
    for event in completion_events(text, **made):
        if out := relay.feed(event):
            await inbound.write(out)
    await inbound.write(relay.end(dumps(trace.metadata())), more=False)
