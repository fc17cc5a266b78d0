"""Multi-round routers as entrants of a suite: they ask the pool themselves, so what they ask is paid for.

{router: knn_multiround, decomposer: nano, base: {kind: knn, k: 20}}
{router: llm_multiround, decomposer: titan}
runs/knn_multiround
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rl_router.data.world import World
from rl_router.episode.multi_round import MultiRound, chosen_by, play_all
from rl_router.episode.multi_round_run import check_chooser, read_multi_round
from rl_router.errors import RecipeError
from rl_router.evaluation.suite.arena import Arena
from rl_router.evaluation.suite.identity import digest_of
from rl_router.evaluation.suite.played import Played
from rl_router.evaluation.suite.policy import played_of_episodes
from rl_router.evaluation.suite.suite import Suite
from rl_router.pool.pool import ModelPool, load_specs
from rl_router.pool.simulated import SimulatedBackend
from rl_router.pool.spec import pool_path
from rl_router.types import Episode, Query

if TYPE_CHECKING:
    from rl_router.routers.router import Router

BATCH = 256
"""Queries between two appends: what a kill can cost."""


@dataclass(frozen=True, kw_only=True)
class MultiRoundEntrant:
    """`base` are the hyper-parameters of the router that chooses, which is fitted in the arena; `chooser` is one that
    was fitted before. Without either the decomposer chooses."""

    name: str
    suite: Suite
    decomposer: str
    identity: str
    base: Mapping[str, Any] | None = None
    chooser: Router | None = field(default=None, repr=False)
    is_seeded: bool = False

    @property
    def has_dial(self) -> bool:
        return self.base is not None or self.chooser is not None

    def play(self, arena: Arena, cost_weights: Sequence[float], seed: int, rows: np.ndarray) -> Iterator[Played]:
        weights: tuple[float | None, ...] = tuple(cost_weights) if self.has_dial else (None,)
        for start in range(0, len(rows), BATCH):
            queries = [arena.test.queries[i] for i in rows[start : start + BATCH]]
            episodes = [self._episodes(arena, queries, weight) for weight in weights]
            yield played_of_episodes(self.name, seed, arena, weights, queries, episodes)

    def _episodes(self, arena: Arena, queries: Sequence[Query], weight: float | None) -> list[Episode]:
        choose = chosen_by(self._router(arena), arena.models, weight or 0.0) if self.has_dial else None
        agent = MultiRound(
            pool=_simulated(self.suite), decomposer=self.decomposer, choose=choose, max_tokens=self.suite.max_tokens
        )
        return play_all(agent, queries, weight)

    def _router(self, arena: Arena) -> Router:
        if self.chooser is not None:
            return self.chooser
        from rl_router.evaluation.suite.entrants import observations
        from rl_router.routers.ensemble import parse_router

        key = f"chooser {self.identity}"
        if key not in arena.__dict__:  # fitted once, however many cost weights there are
            arena.__dict__[key] = parse_router(dict(self.base or {})).fit_observed(observations(arena))
        found: Router = arena.__dict__[key]
        return found


def multi_round_of(entry: Mapping[str, Any], suite: Suite) -> MultiRoundEntrant:
    """RecipeError for what the suite cannot play: recorded answers hold no answers to parts of questions."""
    options = dict(entry)
    kind = str(options.pop("router"))
    name, decomposer = str(options.pop("name", kind)), options.pop("decomposer", None)
    base = dict(options.pop("base", None) or {"kind": "knn", "k": 10}) if kind == "knn_multiround" else None
    if options:
        raise RecipeError(f"the router {kind} has no {min(options)!r}; it takes decomposer, name and, for kNN, base")
    _check(kind, decomposer, suite)
    identity = f"{decomposer} {base if base is not None else 'chooses'}"
    return MultiRoundEntrant(name=name, suite=suite, decomposer=str(decomposer), identity=identity, base=base)


def multi_round_run(path: Path, name: str, suite: Suite) -> MultiRoundEntrant:
    """The router of a run of recipes/multi_round. RecipeError or PoolError where the suite cannot play it."""
    run = read_multi_round(path)
    _check(name, run.job.decomposer, suite)
    if run.chooser is not None:
        check_chooser(run.chooser, load_specs(pool_path(suite.pool or "world")), str(path))
    identity = f"{run.job.decomposer} {digest_of(run.chooser_folder) if run.chooser is not None else 'chooses'}"
    return MultiRoundEntrant(
        name=name, suite=suite, decomposer=run.job.decomposer, identity=identity, chooser=run.chooser
    )


def _check(router: str, decomposer: object, suite: Suite) -> None:
    if suite.benchmarks != ("world",):
        raise RecipeError(
            f"{router} asks parts of questions, whose answers no table records: evaluate it on benchmarks=[world]"
        )
    names = [spec.name for spec in load_specs(pool_path(suite.pool or "world"))]
    if decomposer not in names:
        raise RecipeError(f"{router} needs the decomposer to be a model of the pool, one of {', '.join(names)}")


def _simulated(suite: Suite) -> ModelPool:
    return ModelPool(load_specs(pool_path(suite.pool or "world")), SimulatedBackend(World()))
