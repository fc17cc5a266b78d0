"""From decisions to answers: the chosen model is asked, the next one when a call fails or a reply is not trusted.

What comes of it is an `Episode`, as of any router: every call that was made for the query, the last one's reply as the
answer, and the cost of all of them from one ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np

from rl_router.data.modalities import by_takers
from rl_router.data.queries import message_content
from rl_router.pool.backend import PROVIDERS_OWN, Request, Sampling
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.routers.router import Router
from rl_router.types import Call, CallStatus, Decision, Episode, Mode, Query, StopReason


async def answers(
    router: Router,
    queries: Sequence[Query],
    pool: ModelPool,
    *,
    cost_weight: float = 0.0,
    sampling: Sampling = PROVIDERS_OWN,
    max_tokens: int | None = None,
) -> AsyncIterator[Episode]:
    """An episode per query, in order, each as soon as it is there; among the models that router and pool both know and
    that take what the query holds beside text."""
    decisions = decided(router, queries, pool.specs, cost_weight=cost_weight)
    tasks = [
        asyncio.ensure_future(
            answer(router, query, decision, pool, cost_weight=cost_weight, sampling=sampling, max_tokens=max_tokens)
        )
        for query, decision in zip(queries, decisions, strict=True)
    ]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()


def decided(
    router: Router, queries: Sequence[Query], specs: Sequence[ModelSpec], *, cost_weight: float = 0.0
) -> list[Decision]:
    """A decision per query, in order, among the models of `specs` that take it. RecipeError where none does."""
    models = [model for model in router.models_ if model in {spec.name for spec in specs}]
    found: dict[int, Decision] = {}
    for places, able in by_takers(queries, models, {spec.name: spec.capabilities for spec in specs}):
        asked = [queries[i] for i in places]
        found |= zip(places, router.route(asked, cost_weight=cost_weight, models=able), strict=True)
    return [found[i] for i in range(len(queries))]


async def answer(
    router: Router,
    query: Query,
    decision: Decision,
    pool: ModelPool,
    *,
    ledger: Ledger | None = None,
    cost_weight: float = 0.0,
    sampling: Sampling = PROVIDERS_OWN,
    max_tokens: int | None = None,
) -> Episode:
    """What `decision` comes to. The reply of the last model that it names is judged by nobody: none is left to ask."""
    ledger = Ledger() if ledger is None else ledger
    calls = list[Call]()
    ladder = (decision.model, *decision.fallbacks)
    content = message_content(query, query.text)
    messages = () if content == query.text else ({"role": "user", "content": content},)
    for step, model in enumerate(ladder, start=1):
        request = Request(
            spec=pool.spec(model), prompt=query.text, query=query, max_tokens=max_tokens, sampling=sampling,
            messages=messages,
        )  # fmt: skip
        calls.append(await pool.send(request, ledger=ledger))
        if step == len(ladder) or await _stands(router, query, calls[-1], pool, ledger, cost_weight):
            break
    reply = calls[-1].reply
    good = reply.status is CallStatus.OK
    return Episode(
        query=query,
        cost_weight=cost_weight,
        mode=Mode.DECIDE,
        segments=(),
        calls=tuple(calls),
        stop=StopReason.ROUTED if good else StopReason.MAX_TURNS,
        answer=reply.text if good else None,
        quality=reply.score,
        format_ok=True,
        cost_usd=ledger.cost_usd,
        usage=ledger.usage,
    )


async def _stands(
    router: Router, query: Query, call: Call, pool: ModelPool, ledger: Ledger, cost_weight: float
) -> bool:
    """Whether the reply may be the answer: it came, and a cascade trusts it."""
    if call.reply.status is not CallStatus.OK:
        return False
    if not router.is_cascade:
        return True
    trust = await router.trust(query, call, pool, ledger)
    return bool(router.accepts([query], np.array([trust]), cost_weight)[0])
