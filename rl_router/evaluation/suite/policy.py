"""A run of `rl-router train` with RL as an entrant: its policy plays greedy episodes on the suite's queries.

A policy that decides on recorded answers is judged like any router that decides: whom it asks is all that counts, and
what came of it is looked up in the arena. A policy that orchestrates stands in a block of its own: it may ask several
models and write the answer itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from rl_router.errors import RecipeError
from rl_router.evaluation.run.asking import Unasked
from rl_router.evaluation.run.harness import job_of
from rl_router.evaluation.run.trained import TrainedRouter
from rl_router.evaluation.suite.arena import Arena
from rl_router.evaluation.suite.identity import digest_of
from rl_router.evaluation.suite.played import Calls, Choices, Played, replayed
from rl_router.observe.run_folder import RunFolder
from rl_router.pool.pool import ModelPool
from rl_router.pool.replay import ReplayBackend
from rl_router.rl.job import read_job
from rl_router.rl.setting import Setting
from rl_router.types import CallStatus, Episode, Query

BATCH = 256
"""Queries between two appends: what a kill can cost."""


@dataclass(frozen=True, kw_only=True)
class PolicyRun:
    """The policy of a run folder. Its own tokens cost what its recipe says, `policy.input_usd_per_mtok` and more."""

    name: str
    path: Path
    is_seeded: bool = False

    @cached_property
    def identity(self) -> str:
        folder = RunFolder(self.path)
        return f"{digest_of(folder.policy)} {read_job(folder.config).policy.router_spec}"

    def play(self, arena: Arena, cost_weights: Sequence[float], seed: int, rows: np.ndarray) -> Iterator[Played]:
        folder = RunFolder.open(self.path)
        setting = _on(arena, Setting.of(job_of(folder, {})), self.path)
        router = TrainedRouter.load("policy", folder.policy, setting)
        weights: tuple[float | None, ...] = tuple(cost_weights) if router.is_told else (None,)
        for start in range(0, len(rows), BATCH):
            here = rows[start : start + BATCH]
            queries = [arena.test.queries[i] for i in here]
            episodes = [self._episodes(router, queries, weight) for weight in weights]
            if isinstance(setting.task.pool.backend, Unasked):
                yield decided(self.name, seed, arena, weights, here, episodes)
            else:
                yield played_of_episodes(self.name, seed, arena, weights, queries, episodes)

    def _episodes(self, router: TrainedRouter, queries: Sequence[Query], weight: float | None) -> list[Episode]:
        from rl_router.policy.play import play

        told = router.nearest_weight(weight or 0.0)
        environments = [router.setting.environment(router.codec, query, told) for query in queries]
        return play(router.policy, environments, max_batch=router.job.evaluation.batch)


def decided(
    router: str,
    seed: int,
    arena: Arena,
    cost_weights: Sequence[float | None],
    rows: np.ndarray,
    episodes: Sequence[Sequence[Episode]],
) -> Played:
    """The recorded answers of whom the policy asked, and its own tokens; without a call, a wrong answer for nothing."""
    columns = np.array([[_column(episode, arena) for episode in of_setting] for of_setting in episodes])
    found = replayed(router, seed, arena, Choices(cost_weights=tuple(cost_weights), columns=columns), rows)
    own_usd = np.array([[e.metrics["router_usd"] for e in of_setting] for of_setting in episodes])
    return replace(found, router_usd=own_usd, cost_usd=found.cost_usd + own_usd)


def _column(episode: Episode, arena: Arena) -> int:
    """Of the model that was asked; −1 when none was, or none that there is."""
    asked = [call.model for call in episode.calls if call.reply.status is CallStatus.OK]
    return arena.models.index(asked[-1]) if asked else -1


def played_of_episodes(
    router: str,
    seed: int,
    arena: Arena,
    cost_weights: Sequence[float | None],
    queries: Sequence[Query],
    episodes: Sequence[Sequence[Episode]],
) -> Played:
    """`episodes` [w][n], one per setting and query."""

    def matrix(value: Callable[[Episode], float | None]) -> np.ndarray:
        return np.array([[value(episode) for episode in of_setting] for of_setting in episodes], dtype=float)

    by_query = zip(*episodes, strict=True)
    return Played(
        router=router,
        seed=seed,
        block=episodes[0][0].mode,
        cost_reference_usd=arena.cost_reference_usd,
        cost_weights=tuple(cost_weights),
        query_ids=tuple(query.query_id for query in queries),
        datasets=tuple(query.dataset for query in queries),
        tasks=tuple(query.task for query in queries),
        calls=Calls.of([[[call.model for call in episode.calls] for episode in of_query] for of_query in by_query]),
        quality=matrix(lambda e: e.quality),
        cost_usd=matrix(lambda e: e.cost_usd),
        router_usd=matrix(lambda e: e.metrics["router_usd"]),
        latency_s=matrix(lambda e: sum(call.reply.latency_s for call in e.calls)),
        prompt_tokens=matrix(lambda e: sum(call.reply.usage.prompt_tokens for call in e.calls)),
        completion_tokens=matrix(lambda e: sum(call.reply.usage.completion_tokens for call in e.calls)),
        failed_calls=matrix(lambda e: sum(call.reply.status is not CallStatus.OK for call in e.calls)),
        truncated=np.full((len(cost_weights), len(queries)), np.nan),
        predicted_quality=np.full((len(cost_weights), len(queries)), np.nan),
        predicted_cost_usd=np.full((len(cost_weights), len(queries)), np.nan),
        lead=np.full((len(cost_weights), len(queries)), np.nan),
    )


def _on(arena: Arena, setting: Setting, path: Path) -> Setting:
    """The run's setting in the arena; RecipeError when its pool is another one."""
    pool = setting.task.pool
    if set(pool.names) != set(arena.models):
        raise RecipeError(
            f"the policy in {path} was trained to choose among {', '.join(pool.names)}, and this suite offers"
            f" {', '.join(arena.models)}: evaluate it on the same pool"
        )
    if isinstance(pool.backend, ReplayBackend):
        return replace(setting, task=replace(setting.task, pool=ModelPool(pool.specs, Unasked())))
    return setting
