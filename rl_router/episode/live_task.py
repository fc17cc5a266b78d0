"""Questions of a queries file, asked of real models while the policy learns: what Router-R1 and xRouter train on."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rl_router.data.queries import read_queries
from rl_router.episode.prompt_set import prompted, prompts_path
from rl_router.episode.replay_task import sample, task_label
from rl_router.episode.task import Task, Verbatim
from rl_router.errors import DataError, RecipeError
from rl_router.pool.lasting import lasting_pool
from rl_router.pool.live_pool import LivePool
from rl_router.pool.spec import ModelSpec, anchored
from rl_router.types import Mode, Query, Usage

TYPICAL_CALL = Usage(prompt_tokens=300, completion_tokens=200)
"""What the reward's unit of cost is, at the dearest model's prices, where a recipe states no other."""


@dataclass(frozen=True, kw_only=True)
class LiveTask:
    """`queries` is a file of `rl-router data queries`, or of `rl-router data import … --queries`; its splits are used.

    `prompts` is a folder or file of `rl-router data prompts` over the same questions: what is trained on, and which
    models each prompt may ask. `cost_reference_usd` is what a cost weight of 1 makes worth a right answer; None: a
    typical call to the dearest model.
    """

    __pydantic_config__ = {"extra": "forbid"}
    kind: Literal["live"] = "live"
    queries: str
    pool: LivePool
    prompts: str | None = None
    max_val: int | None = 64
    max_test: int | None = 256
    mode: Mode = Mode.ORCHESTRATE
    cost_reference_usd: float | None = None

    def __post_init__(self) -> None:
        if self.cost_reference_usd is not None and not self.cost_reference_usd > 0:
            raise RecipeError(f"Expected task.cost_reference_usd above zero, got {self.cost_reference_usd}.")
        # The trainer's processes work in the run folder, and an evaluation may be started from anywhere.
        object.__setattr__(self, "queries", str(Path(self.queries).expanduser().absolute()))
        if self.prompts is not None:
            object.__setattr__(self, "prompts", str(prompts_path(self.prompts)))
        cache = self.pool.cache
        pool = replace(self.pool, file=anchored(self.pool.file), cache=cache and Path(cache).expanduser().absolute())
        object.__setattr__(self, "pool", pool)

    def build(self) -> Task:
        pool = lasting_pool(self.pool, os.environ)
        train, val, test = splits_of(read_queries(self.queries), self.queries)
        prompts, train = prompted(self.prompts, train, pool.names)
        return Task(
            name=self.kind,
            pool=pool,
            train=train,
            val=sample(val, self.max_val),
            test=sample(test, self.max_test),
            mode=Mode(self.mode),
            cost_reference_usd=self.cost_reference_usd or dearest_call_usd(pool.specs),
            references=Verbatim(),
            label=task_label,
            prompts=prompts,
        )


def splits_of(queries: list[Query], where: str) -> tuple[tuple[Query, ...], tuple[Query, ...], tuple[Query, ...]]:
    """Training, validation and test questions; one that is trained on is no test. DataError without any to train on."""
    by_split = {name: [q for q in queries if q.split == name] for name in ("train", "val", "test")}
    if not by_split["train"]:
        raise DataError(f"{where} has no question of the split train; name a queries file that has.")
    seen = {query.text for query in by_split["train"]}
    val, test = (tuple(q for q in by_split[name] if q.text not in seen) for name in ("val", "test"))
    return tuple(by_split["train"]), val, test


def dearest_call_usd(specs: tuple[ModelSpec, ...]) -> float:
    """A typical call to the dearest model. RecipeError where every model is free: cost is measured by it."""
    dearest = max(spec.price(TYPICAL_CALL) for spec in specs)
    if dearest <= 0:
        raise RecipeError("Every model of the pool is free, and costs are measured by the dearest one: state prices.")
    return dearest
