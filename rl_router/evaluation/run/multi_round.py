"""Ask a multi-round router: with the pool of its run, or with real models in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rl_router.data.world import World
from rl_router.episode.multi_round import MultiRound, chosen_by, play_all, play_at_once
from rl_router.episode.multi_round_run import MultiRoundRun
from rl_router.evaluation.run.asking import AsAsked
from rl_router.pool.backend import PROVIDERS_OWN, Sampling
from rl_router.pool.live_pool import LivePool, open_pool
from rl_router.pool.pool import ModelPool
from rl_router.types import Episode, Query


def ask_multi_round(
    run: MultiRoundRun,
    queries: Sequence[Query],
    cost_weight: float | None,
    *,
    live: LivePool | None,
    environment: Mapping[str, str],
    sampling: Sampling = PROVIDERS_OWN,
    max_tokens: int | None = None,
) -> list[Episode]:
    """An episode per query, in order. `live` None: of a simulated pool; its questions are graded where they can be."""
    weight = run.cost_weight if cost_weight is None else cost_weight
    if live is None:
        agent = _agent(run, run.job.simulated_pool(), weight, max_tokens)
        return play_all(agent, [_graded(query) for query in queries], _told(run, weight))

    async def asked() -> list[Episode]:
        async with open_pool(live, environment) as opened:
            pool = ModelPool(opened.pool.specs, AsAsked(opened.pool.backend, sampling, max_tokens), None)
            agent = _agent(run, pool, weight, max_tokens)
            return await play_at_once(agent, queries, _told(run, weight), at_once=live.concurrency)

    return asyncio.run(asked())


def _agent(run: MultiRoundRun, pool: ModelPool, weight: float, max_tokens: int | None) -> MultiRound:
    job = run.job
    return MultiRound(
        pool=pool,
        decomposer=job.decomposer,
        choose=None if run.chooser is None else chosen_by(run.chooser, pool.names, weight),
        most_parts=job.most_parts,
        max_tokens=max_tokens or job.max_tokens,
    )


def _told(run: MultiRoundRun, weight: float) -> float | None:
    """The cost weight that counted; a decomposer that chooses is told none."""
    return None if run.chooser is None else weight


def _graded(query: Query) -> Query:
    """With the answer, if it is a question of the embedded world."""
    solution = World().solve(query.text)
    if solution is None or query.answers:
        return query
    return replace(query, answers=(solution.answer,), task=solution.task, difficulty=solution.difficulty)
