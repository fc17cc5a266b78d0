"""Ask a trained policy many queries: with its own pool, with real models in its place, or only whom it would ask."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rl_router.episode.task import Task
from rl_router.errors import RecipeError
from rl_router.evaluation.run.harness import job_of, nearest_trained_weight
from rl_router.evaluation.run.questions import asked_query
from rl_router.evaluation.run.trained import TrainedRouter
from rl_router.observe.run_folder import RunFolder
from rl_router.policy.play import playing
from rl_router.pool.backend import PROVIDERS_OWN, Backend, Request, Sampling
from rl_router.pool.live_pool import LivePool, open_pool
from rl_router.pool.pool import ModelPool
from rl_router.rl.setting import Setting
from rl_router.types import Episode, ModelReply, Query


@dataclass(frozen=True)
class Unasked:
    """A backend behind which nobody is: every reply is empty, free and wrong, so that a policy's first call can be
    seen and no grader is asked."""

    async def complete(self, request: Request) -> ModelReply:
        return ModelReply(model=request.spec.name, text="", score=0.0, cost_usd=0.0)


@dataclass(frozen=True)
class AsAsked:
    """A backend whose models sample as a person asked, and not as a policy's environment does."""

    backend: Backend
    sampling: Sampling
    max_tokens: int | None

    async def complete(self, request: Request) -> ModelReply:
        max_tokens = self.max_tokens or request.max_tokens
        return await self.backend.complete(replace(request, sampling=self.sampling, max_tokens=max_tokens))


def decide_queries(run: Path, queries: Sequence[Query], cost_weight: float) -> list[Episode]:
    """Greedy episodes in which no model is asked. Only the first call of each says something: the rest follows replies
    that never came."""
    router = _policy(run)
    pool = router.setting.task.pool
    return asyncio.run(_played(router, queries, cost_weight, ModelPool(pool.specs, Unasked())))


def answer_queries(
    run: Path,
    queries: Sequence[Query],
    cost_weight: float,
    *,
    live: LivePool | None = None,
    environment: Mapping[str, str] | None = None,
    sampling: Sampling = PROVIDERS_OWN,
    max_tokens: int | None = None,
) -> list[Episode]:
    """A greedy episode per query, in order, with the models of `live`, or with the run's own pool."""
    router = _policy(run)
    if live is None:
        known = [asked_query(router.setting, query.text) for query in queries]
        graded = [replace(found, query_id=query.query_id) for found, query in zip(known, queries, strict=True)]
        return asyncio.run(_played(router, graded, cost_weight, router.setting.task.pool))
    _check_pool(router.setting.task, live)

    async def asked() -> list[Episode]:
        async with open_pool(live, environment or {}) as opened:
            backend = AsAsked(opened.pool.backend, sampling, max_tokens)
            return await _played(router, queries, cost_weight, ModelPool(opened.pool.specs, backend, None))

    return asyncio.run(asked())


def _policy(run: Path) -> TrainedRouter:
    folder = RunFolder.open(run)
    return TrainedRouter.load("policy", folder.policy, Setting.of(job_of(folder, {})))


async def _played(
    router: TrainedRouter, queries: Sequence[Query], cost_weight: float, pool: ModelPool
) -> list[Episode]:
    weight = nearest_trained_weight(router, cost_weight)
    setting = replace(router.setting, task=replace(router.setting.task, pool=pool))
    environments = [setting.environment(router.codec, query, weight) for query in queries]
    return await playing(router.policy, environments, max_batch=router.job.evaluation.batch)


def _check_pool(task: Task, live: LivePool) -> None:
    if not {spec.name for spec in live.specs()} & set(task.pool.names):
        known = ", ".join(task.pool.names)
        raise RecipeError(f"the pool {live.file} has none of the models that this policy was trained with: {known}")
