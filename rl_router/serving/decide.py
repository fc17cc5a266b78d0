"""From a request's body to the models that may answer it; `/v1/route` says only that, and calls nobody."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rl_router.data.modalities import KEY as MODALITIES_KEY
from rl_router.data.modalities import marked, modalities_in
from rl_router.serving.catalog import Catalog
from rl_router.serving.dialect import CHAT, Dialect
from rl_router.serving.errors import ApiError
from rl_router.serving.extras import Extras, take_extras
from rl_router.serving.inbound import Inbound
from rl_router.serving.json_bytes import dumps
from rl_router.serving.names import Target
from rl_router.serving.request_text import request_text
from rl_router.serving.routing import Choice
from rl_router.serving.sessions import Conversation, conversation_key
from rl_router.serving.trace import Trace
from rl_router.types import Query

if TYPE_CHECKING:
    from rl_router.serving.app import Gateway

NO_TEXT = "(no text)"
"""What is routed on where a request holds none, such as a picture alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request as far as the gateway reads it. `goes_on`: it continues a conversation, named by `key`."""

    target: Target
    query: Query
    extras: Extras
    key: bytes
    goes_on: bool


def read_request(catalog: Catalog, trace: Trace, dialect: Dialect, body: dict[str, Any]) -> Asked:
    """ApiError, with the field that is wrong, for what no model could answer. Takes the gateway's own fields out."""
    messages = dialect.messages(body)
    extras = take_extras(body)
    target = catalog.names.target(body.get("model"))
    if target.model is None and not dialect.routed:
        raise ApiError(400, "vectors of two models do not compare: name a model of the pool", param="model")
    trace.asked_model = body["model"]
    trace.stream = bool(body.get("stream"))
    trace.text = request_text(messages) if target.model is None else ""
    meta: dict[str, Any] = {"user": extras.user} if extras.user else {}
    if target.model is None and (modalities := modalities_in(messages)):
        meta[MODALITIES_KEY] = modalities
    query = Query(query_id=trace.request_id, text=trace.text or NO_TEXT, answers=(), task="", meta=meta)
    return Asked(
        target=target,
        query=marked(query),
        extras=extras,
        key=conversation_key(messages, extras, trace.account.name, body.get("prompt_cache_key")),
        goes_on=extras.session_id is not None or any(_is_assistant(message) for message in messages),
    )


async def choose(catalog: Catalog, asked: Asked, account: str) -> Choice:
    """Who is asked, by rank. A model that was named is asked alone."""
    target = asked.target
    if target.model is not None:
        return Choice(strategy="direct", models=(target.model,))
    assert target.router is not None
    conversation: Conversation | None = None
    if catalog.sessions is not None and asked.goes_on:
        conversation = catalog.sessions.find(asked.key, time.monotonic())
    served = catalog.routers[target.router]
    if catalog.canary is not None and target.is_auto:
        return await catalog.canary.choose(served, asked, account, conversation)
    return await served.choose(asked.query, asked.extras, threshold=target.threshold, conversation=conversation)


async def route(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
    """Scores, predicted cost and quality of every candidate, for the body of a chat completion."""
    body = await inbound.object(gateway.job.limits)
    asked = read_request(gateway.catalog, trace, CHAT, body)
    if asked.target.router is None:
        raise ApiError(400, "expected the name of a router: for a model or a policy nothing is decided", param="model")
    choice = await choose(gateway.catalog, asked, trace.account.name)
    watch(gateway, gateway.catalog, asked, choice)
    trace.choice, trace.http_status, trace.outcome = choice, 200, "decided"
    await inbound.reply(200, dumps(view(choice, trace.request_id)))
    gateway.settle(trace)


def watch(gateway: Gateway, catalog: Catalog, asked: Asked, choice: Choice) -> None:
    """Let the shadow decide too, if there is one and something was decided."""
    if catalog.shadow is not None and choice.decision is not None:
        catalog.shadow.watch(asked, gateway.log, gateway.metrics.shadow, choice)


def view(choice: Choice, request_id: str) -> dict[str, Any]:
    decision = choice.decision
    assert decision is not None
    costs: Mapping[str, float] = decision.predicted_cost_usd
    rank: Sequence[str] = choice.models
    return {
        "request_id": request_id,
        "model": choice.models[0],
        "fallbacks": list(rank[1:]),
        "routing_strategy": choice.strategy,
        "cost_weight": choice.cost_weight,
        "propensity": decision.propensity,
        "reason": decision.reason,
        "kept": choice.kept,
        "candidates": [
            {"model": name, "predicted_quality": decision.scores[name], "predicted_cost_usd": costs.get(name)}
            for name in rank
        ],
    }


def _is_assistant(message: object) -> bool:
    return isinstance(message, Mapping) and message.get("role") == "assistant"
