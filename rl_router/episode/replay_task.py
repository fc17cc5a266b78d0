"""Real questions with the recorded answers, scores and costs of real models: RL on what models really did."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np

from rl_router.data.table import RoutingTable
from rl_router.episode.prompt_set import prompted, prompts_path
from rl_router.episode.task import Task
from rl_router.errors import DataError, RecipeError
from rl_router.pool.pool import ModelPool, load_specs
from rl_router.pool.replay import ReplayBackend
from rl_router.pool.spec import anchored, pool_path
from rl_router.types import Mode, Query

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WholeQuestion:
    """Only the whole question was ever asked, so every sub-query means it; the answer `it` means the last reply."""

    def query(self, text: str, *, question: str, last_reply: str | None) -> str:
        return question

    def answer(self, text: str, *, question: str, last_reply: str | None) -> str:
        return last_reply if text == "it" and last_reply is not None else text


@dataclass(frozen=True, kw_only=True)
class ReplayTask:
    """Builds a task from the routing table at `table` and the models of `pool` (a YAML path or a name in recipes/pool).

    `splits` names the table's splits for training, validation and test. Of more than `max_test` test questions, those
    with the least hashes of their ids are kept: the same ones each time, from every task alike. `prompts` is a folder
    or file of `rl-router data prompts` over the same table: what is trained on, and which models each prompt may ask.
    """

    kind: Literal["replay"] = "replay"
    table: str
    pool: str
    models: tuple[str, ...] | None = None
    splits: tuple[str, str, str] = ("train", "val", "test")
    tasks: tuple[str, ...] | None = None
    mode: Mode = Mode.DECIDE
    max_test: int | None = None
    prompts: str | None = None

    def __post_init__(self) -> None:
        if Mode(self.mode) is not Mode.DECIDE:
            raise RecipeError(
                f"Recorded replies were graded as whole answers, so nothing can grade what a policy makes of them "
                f"under task.mode={self.mode}; set task.mode=decide."
            )
        # The trainer's processes work in the run folder, and an evaluation may be started from anywhere.
        object.__setattr__(self, "table", str(Path(self.table).expanduser().absolute()))
        object.__setattr__(self, "pool", anchored(self.pool))
        if self.prompts is not None:
            object.__setattr__(self, "prompts", str(prompts_path(self.prompts)))

    def build(self) -> Task:
        if self.max_test is not None and self.max_test < 1:
            raise DataError(f"max_test is {self.max_test}; keep at least one test question, or leave it out for all.")
        table = RoutingTable.read(self.table).select(task=self.tasks)
        pool = ModelPool(load_specs(pool_path(self.pool)), ReplayBackend(table))
        if self.models is not None:
            pool = pool.select(self.models)
        train, val, test = usable_splits(table, pool.names, self.splits)
        prompts, train = prompted(self.prompts, train, pool.names)
        return Task(
            name=self.kind,
            pool=pool,
            train=train,
            val=val,
            test=sample(test, self.max_test),
            mode=Mode(self.mode),
            cost_reference_usd=mean_cost_usd(strongest(table, pool, train), pool, train),
            references=WholeQuestion(),
            label=task_label,
            prompts=prompts,
        )


def task_label(query: Query) -> str:
    """The query's task in one word: `math-l5` is said `mathl5`."""
    return re.sub(r"[\W_]", "", query.task.lower())


def usable_splits(
    table: RoutingTable, models: Sequence[str], splits: tuple[str, str, str]
) -> tuple[tuple[Query, ...], tuple[Query, ...], tuple[Query, ...]]:
    """Train, validation and test questions that every model has a score and a price for.

    A held-out question that is also in train is no test of anything, so it is left out of the held-out split.
    """
    train, val, test = (table.queries(split) for split in splits)
    graded = {query_id for query_id, known in zip(table.query_ids, _known(table, models), strict=True) if known}
    seen = {query.text for query in train}
    kept = [[q for q in queries if q.query_id in graded] for queries in (train, val, test)]
    unleaked = [kept[0], *([q for q in queries if q.text not in seen] for queries in kept[1:])]
    dropped = len(train) + len(val) + len(test) - sum(map(len, kept))
    leaked = sum(map(len, kept)) - sum(map(len, unleaked))
    sizes = ", ".join(f"{name} {len(queries)}" for name, queries in zip(splits, unleaked, strict=True))
    log.info(
        "Replay: %s questions; dropped %d that some model has no recorded score or price for, and %d held-out ones "
        "that are in %s too.", sizes, dropped, leaked, splits[0],
    )  # fmt: skip
    for name, queries in zip(splits, unleaked, strict=True):
        if not queries:
            raise DataError(
                f"The {table.where} has no question in split {name!r} that all of {', '.join(models)} have a recorded "
                f"score and price for; name fewer models or another split."
            )
    return tuple(unleaked[0]), tuple(unleaked[1]), tuple(unleaked[2])


def _known(table: RoutingTable, models: Sequence[str]) -> np.ndarray:
    """[n] True where every model has a score, and a cost or both token counts."""
    score, cost, prompt, completion = (
        ~np.isnan(table.matrix(column, models=models))  # [n, m]
        for column in ("score", "cost_usd", "prompt_tokens", "completion_tokens")
    )
    return (score & (cost | (prompt & completion))).all(axis=1)


def strongest(table: RoutingTable, pool: ModelPool, queries: Sequence[Query]) -> str:
    """The model with the highest mean recorded score; of equals, the first in the pool."""
    means = table.matrix("score", [q.query_id for q in queries], pool.names).mean(axis=0)  # [m]
    return pool.names[int(means.argmax())]


def mean_cost_usd(model: str, pool: ModelPool, queries: Sequence[Query]) -> float:
    """The mean price of `model` over `queries`. Rewards divide by it, so it must not be zero."""
    cost_usd = sum(pool.ask(model, q.text, query=q).cost_usd for q in queries) / len(queries)
    if cost_usd <= 0:
        raise DataError(f"The strongest model, {model!r}, has a recorded cost of 0, and costs are measured by it.")
    return cost_usd


def sample(queries: Sequence[Query], limit: int | None) -> tuple[Query, ...]:
    """At most `limit` of `queries`, the same ones each time, in their order."""
    if limit is None or len(queries) <= limit:
        return tuple(queries)
    by_hash = sorted(queries, key=lambda q: sha256(q.query_id.encode()).hexdigest())
    chosen = {q.query_id for q in by_hash[:limit]}
    log.info("Replay: testing on %d of %d test questions.", limit, len(queries))
    return tuple(q for q in queries if q.query_id in chosen)
