"""From decisions to answers: the chosen model is asked, the next one when a call fails or a reply is not trusted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from rl_router.pool.backend import Request, Sampling
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.routers.cascade import Cascade
from rl_router.routers.router import Router
from rl_router.types import Call, CallStatus, Decision, Query


async def answer_all(
    router: Router,
    queries: Sequence[Query],
    pool: ModelPool,
    *,
    cost_weight: float = 0.0,
    models: Sequence[str] | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> list[dict[str, Any]]:
    """A record per query, in order: the last model asked, its reply, and what all calls for the query cost in USD."""
    decisions = router.route(queries, cost_weight=cost_weight, models=models)
    sampling = Sampling(temperature=temperature)

    async def answer(query: Query, decision: Decision) -> dict[str, Any]:
        ledger, calls = Ledger(), list[Call]()
        for model in (decision.model, *decision.fallbacks):
            request = Request(
                spec=pool.spec(model), prompt=query.text, query=query, max_tokens=max_tokens, sampling=sampling
            )
            call = await pool.send(request, ledger=ledger)
            calls.append(call)
            if stands(router, query, call):
                break
        return _record(query, calls, ledger.cost_usd, cost_weight)

    return list(await asyncio.gather(*map(answer, queries, decisions)))


def stands(router: Router, query: Query, call: Call) -> bool:
    """Whether the reply may be the answer: it came, and a cascade's verifier trusts it."""
    if call.reply.status is not CallStatus.OK:
        return False
    rule = router.rule_
    return not isinstance(rule, Cascade) or bool(rule.accepts([query], [call.model], [call.reply.text])[0])


def _record(query: Query, calls: Sequence[Call], cost_usd: float, cost_weight: float) -> dict[str, Any]:
    last = calls[-1]
    return {
        "query_id": query.query_id,
        "query": query.text,
        "model": last.model,
        "asked": [call.model for call in calls],
        "cost_weight": cost_weight,
        "status": last.reply.status.value,
        "reply": last.reply.text,
        "prompt_tokens": last.reply.usage.prompt_tokens,
        "completion_tokens": last.reply.usage.completion_tokens,
        "cost_usd": cost_usd,
    }
