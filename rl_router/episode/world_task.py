"""The embedded world as a task: generated questions, the simulated pool, and the references of the world's texts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from rl_router.data.world import World, WorldReferences
from rl_router.episode.profiles import described
from rl_router.episode.task import Task
from rl_router.errors import RecipeError
from rl_router.pool.lasting import lasting_pool
from rl_router.pool.live_pool import LivePool
from rl_router.pool.pool import ModelPool, load_specs
from rl_router.pool.simulated import SimulatedBackend, simulation
from rl_router.pool.spec import anchored, pool_path
from rl_router.types import Mode, Query

REFERENCE_QUERIES = 500


@dataclass(frozen=True, kw_only=True)
class WorldTask:
    """`pool` is the name of a file in recipes/pool or a path. `tasks` and `two_hop_share` reduce or tilt the world.

    `describe` replaces each model's description by its price and skill as measured on training questions. `served` asks
    the same models at an endpoint, where the simulation answers over HTTP (evaluation/benchmark_faults.py).
    """

    __pydantic_config__ = {"extra": "forbid"}
    kind: Literal["world"] = "world"
    pool: str = "world"
    seed: int = 0
    n_train: int = 4000
    n_val: int = 200
    n_test: int = 600
    two_hop_share: float | None = None
    tasks: tuple[str, ...] | None = None
    mode: Mode = Mode.ORCHESTRATE
    describe: bool = False
    served: LivePool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "pool", anchored(self.pool))  # the trainer's processes work in the run folder

    def build(self) -> Task:
        world = World(self.seed)
        pool = ModelPool(load_specs(pool_path(self.pool)), SimulatedBackend(world, self.seed))
        for spec in pool.specs:
            simulation(spec)  # refuses a pool without skills before anything is drawn
        train, val, test = (
            self._questions(world, split, n)
            for split, n in (("train", self.n_train), ("val", self.n_val), ("test", self.n_test))
        )
        reference_usd = strongest_call_usd(pool, train[:REFERENCE_QUERIES])
        if self.served is not None:
            pool = lasting_pool(self.served, os.environ)
        return Task(
            name="world",
            pool=described(pool, train, reference_usd) if self.describe else pool,
            train=train,
            val=val,
            test=test,
            mode=Mode(self.mode),
            cost_reference_usd=reference_usd,
            references=WorldReferences(),
            label=label,
        )

    def _questions(self, world: World, split: str, n: int) -> tuple[Query, ...]:
        if n < 1:
            raise RecipeError(f"n_{split} is {n}; a world needs at least one question of each split.")
        drawn = world.questions(split, n, tasks=self.tasks, two_hop_share=self.two_hop_share)
        return tuple(drawn)


def label(query: Query) -> str:
    """The kind of a question in one word: "arithmetic2"."""
    return f"{query.task}{query.difficulty}"


def strongest_call_usd(pool: ModelPool, queries: tuple[Query, ...]) -> float:
    """The mean price of a call to the model that answers most of these questions right (the dearest, if they tie)."""
    means = []
    for name in pool.names:
        calls = [(pool.ask(name, q.text, query=q), q) for q in queries]
        means.append((fmean(c.reply.text in q.answers for c, q in calls), fmean(c.cost_usd for c, _ in calls)))
    return max(means)[1]
