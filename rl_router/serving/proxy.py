"""A request that a model of the pool answers: who for whom, until when, and what becomes of it if the client leaves."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rl_router.pool.pool import ModelPool
from rl_router.serving.catalog import Catalog
from rl_router.serving.climb import Climb
from rl_router.serving.decide import Asked, choose, read_request, watch
from rl_router.serving.dialect import Dialect
from rl_router.serving.exchange import Exchange
from rl_router.serving.inbound import Inbound
from rl_router.serving.multi_round_answers import answer_in_rounds
from rl_router.serving.policy_answers import answer_by_policy
from rl_router.serving.trace import Trace
from rl_router.serving.upstream import DEADLINE
from rl_router.serving.upstream_backend import UpstreamBackend
from rl_router.types import Usage

if TYPE_CHECKING:
    from rl_router.serving.app import Gateway


def proxied(dialect: Dialect) -> Callable[[Gateway, Inbound, Trace], Awaitable[None]]:
    """The endpoint that relays this dialect."""

    async def run(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
        body = await inbound.object(gateway.job.limits)
        with ended_with_client(inbound):
            catalog = gateway.catalog
            asked = read_request(catalog, trace, dialect, body)
            deadline_s = time.monotonic() + allowed_s(inbound, gateway.job.limits.total_s)
            if asked.target.policy is not None:
                await answer_by_policy(gateway, inbound, trace, asked, body, deadline_s)
                return
            if asked.target.multi_round is not None:
                await answer_in_rounds(gateway, inbound, trace, asked, body, deadline_s)
                return
            trace.choice = await choose(catalog, asked, trace.account.name)
            watch(gateway, catalog, asked, trace.choice)
            choice, limits = trace.choice, gateway.job.limits
            exchange = Exchange(
                inbound=inbound,
                trace=trace,
                dialect=dialect,
                body=body,
                choice=choice,
                catalog=catalog,
                limits=limits,
                deadline_s=deadline_s,
                query=asked.query,
                settle=settler(gateway, catalog, asked),
                climb=Climb(
                    choice=choice,
                    router=catalog.router_of(choice) if choice.steps else None,
                    query=asked.query,
                    budget_usd=asked.extras.budget_usd,
                    trace=trace,
                    pool=lambda: ModelPool(catalog.specs.values(), UpstreamBackend(catalog, limits, deadline_s), None),
                ),
            )
            await exchange.run()

    return run


def settler(gateway: Gateway, catalog: Catalog, asked: Asked) -> Callable[[Trace, Usage | None], None]:
    def settle(trace: Trace, usage: Usage | None) -> None:
        if catalog.sessions is not None and usage is not None and trace.model_used is not None:
            catalog.sessions.remember(asked.key, trace.model_used, usage, time.monotonic())
        if asked.target.router is not None and trace.choice is not None and trace.cost_known:
            router = catalog.router_of(trace.choice) if trace.choice.arm else catalog.routers[asked.target.router]
            router.cost(trace.request_id, trace.cost_usd)
        gateway.settle(trace)

    return settle


def allowed_s(inbound: Inbound, total_s: float) -> float:
    """The client's own deadline, such as another gateway's, where it is shorter than ours."""
    try:
        stated = float(inbound.header(DEADLINE.encode()) or "inf")
    except ValueError:
        return total_s
    return min(total_s, stated) if stated > 0 and not math.isnan(stated) else total_s


@contextmanager
def ended_with_client(inbound: Inbound) -> Iterator[None]:
    """A client that leaves ends what is done for it: the calls to models first of all."""
    work = asyncio.current_task()
    assert work is not None
    watch = asyncio.ensure_future(inbound.gone())
    watch.add_done_callback(lambda done: None if done.cancelled() else work.cancel())
    try:
        yield
    finally:
        watch.cancel()
