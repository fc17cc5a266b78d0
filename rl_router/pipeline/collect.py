"""Every model on every question: asked, graded, priced, and written as one routing table.

Nothing is paid for twice: a cell is finished when its replies are on disk, and counts when it is there itself. A run
that was killed goes on where it was; the calls in flight and the replies of its last milliseconds are all that is lost.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from pydantic import Field

from rl_router.data.custom import check_graders, load_custom_tasks
from rl_router.data.graders.grader import JUDGE
from rl_router.data.parquet import read_parquet
from rl_router.data.queries import message_content, read_queries
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError, PoolError, RouterError
from rl_router.observe.console import say
from rl_router.observe.formats import usd
from rl_router.pipeline.cells import Cell, Journal, Outcome, cell_of, table_of
from rl_router.pipeline.filling import Filling, FillSettings
from rl_router.pool.backend import Request, Sampling
from rl_router.pool.event_loop import event_loop
from rl_router.pool.live_pool import LivePool, check_pool, open_pool
from rl_router.pool.pool import ModelPool
from rl_router.pool.recordings import Recordings
from rl_router.pool.spec import load_specs, pool_path
from rl_router.types import CallStatus, Query

SHOWN_LOST = 10
OBJECTS_BETWEEN_COLLECTIONS = 100_000
JOURNAL, CALLS = "cells.sqlite", "calls.sqlite"
"""Of a run's folder."""


@dataclass(frozen=True, kw_only=True)
class CollectJob:
    """`queries` is a parquet file of questions, or a routing table whose questions are asked again.

    `grader` grades the questions that name none. `judge` names the model of the pool's file that grades what needs a
    judge; it need not be one that is asked.
    `custom_tasks` names a .py file or a folder with graders of your own (else those of ./custom_tasks are used).
    A cell whose call failed is finished; `retry_failed` asks again what may end otherwise.
    """

    __pydantic_config__ = {"extra": "forbid"}
    name: str
    queries: Path
    run_dir: Path
    output: Path | None = None
    pool: LivePool
    max_tokens: Annotated[int, Field(ge=1)] | None = 1024
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = 0.0
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    seed: int | None = None
    epoch: int = 0
    system: str | None = None
    split: str | None = None
    limit: Annotated[int, Field(ge=1)] | None = None
    grader: str = "exact_match"
    judge: str | None = None
    custom_tasks: str | None = None
    budget_usd: Annotated[float, Field(ge=0.0)] | None = None
    retry_failed: bool = False

    @property
    def table(self) -> Path:
        return self.output or self.run_dir / "table.parquet"


@dataclass(frozen=True, kw_only=True)
class Collected:
    """How a run ended. `paid_usd` is what the run paid in all, by the counts that providers sent; `unknown_attempts`
    went out, may have been billed and came back without a count, or not at all: `interrupted_attempts` of them were on
    their way when a process of this run ended. `commonest_failure` is why most cells without an answer failed."""

    table: Path
    cells: int
    graded: int
    statuses: Mapping[str, int]
    asked: int
    paid_usd: float
    unknown_attempts: int
    interrupted_attempts: int
    commonest_failure: str | None
    asking_s: float


def collect(job: CollectJob, environment: Mapping[str, str] | None = None) -> Collected:
    """Fill the table of `job`, or go on filling it."""
    try:
        with seldom_collected(), asyncio.Runner(loop_factory=event_loop()) as runner:
            return runner.run(_collect(job, os.environ if environment is None else environment))
    except BaseExceptionGroup as group:
        raise _first(group) from None


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom: cells and outcomes live to the end, and to walk through all of them again whenever 700
    more objects have been made takes a tenth of a run's CPU."""
    usual = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


async def _collect(job: CollectJob, environment: Mapping[str, str]) -> Collected:
    queries = read_questions(job)
    cache = None if job.pool.mode == "live" else job.pool.cache
    setting = replace(job.pool, cache=cache or job.run_dir / CALLS)
    models = [spec.name for spec in setting.specs()]
    setting = _with_judge(setting, models, job.judge)
    check_pool(setting, environment)
    journal = Journal(job.run_dir / JOURNAL)
    try:
        async with open_pool(setting, environment, run=journal.run, sent=job.run_dir / "sent.log") as opened:
            recordings, cells = opened.recordings, plan(job, opened.pool.select(models), queries)
            assert recordings is not None
            name_lost(cells, recordings.lost)
            settings = FillSettings(
                concurrency=setting.concurrency, budget_usd=job.budget_usd, judge=job.judge,
                retry_failed=job.retry_failed,
            )  # fmt: skip
            filling = Filling(cells, settings, pool=opened.pool, recordings=recordings, journal=journal)
            asking_s = time.monotonic()
            await filling.fill()
            asking_s = time.monotonic() - asking_s
            missing = Outcome(
                status=CallStatus.OVER_BUDGET.value,
                reason=f"not finished: the budget of {usd(job.budget_usd)} was spent",
            )
            table = table_of(cells, filling.outcomes, missing)
            table.write(job.table)
            spent = recordings.spent()
            return Collected(
                table=job.table,
                cells=len(cells),
                graded=len(table.frame["score"].drop_nulls()),
                statuses=dict(Counter(table.frame["status"]).most_common()),
                asked=filling.asked,
                paid_usd=spent.cost_usd,
                unknown_attempts=spent.unknown,
                interrupted_attempts=spent.interrupted,
                commonest_failure=_commonest_failure(table),
                asking_s=asking_s,
            )
    finally:
        journal.close()


def _commonest_failure(table: RoutingTable) -> str | None:
    reasons = table.frame.filter(pl.col("status") != CallStatus.OK.value)["reason"].drop_nulls().to_list()
    return Counter(reasons).most_common(1)[0][0] if reasons else None


def _with_judge(setting: LivePool, models: Sequence[str], judge: str | None) -> LivePool:
    """The judge is a model of the pool's file; it need not be one of the `models` that are asked."""
    if judge is None or judge in models:
        return setting
    names = [spec.name for spec in load_specs(pool_path(setting.file))]
    if judge not in names:
        raise PoolError(f"The judge {judge!r} is no model of the pool; choose one of {', '.join(names)}.")
    return replace(setting, models=(*models, judge))


def paid_usd(run_dir: Path, cache: Path | None = None) -> float:
    """What the run in this folder has paid so far; nothing where there is none. `cache` as its pool has it."""
    if not (run_dir / JOURNAL).is_file():
        return 0.0
    journal = Journal(run_dir / JOURNAL)
    try:
        recordings = Recordings(cache or run_dir / CALLS, journal.run)
    finally:
        journal.close()
    try:
        return recordings.spent().cost_usd
    finally:
        recordings.close()


def read_questions(job: CollectJob) -> list[Query]:
    """The questions of a queries file or a routing table, those without a grader given the job's."""
    load_custom_tasks(job.custom_tasks)
    frame = read_parquet(job.queries, "file of questions")
    queries = RoutingTable.read(job.queries).queries() if "model" in frame.columns else read_queries(job.queries)
    if job.split is not None:
        queries = [query for query in queries if query.split == job.split]
    queries = [query if query.grader else replace(query, grader=job.grader) for query in queries[: job.limit]]
    if not queries:
        raise DataError(f"{job.queries} has no question in the split {job.split!r}; name another or leave it out.")
    check_graders(queries)
    if job.judge is None and any(query.grader == JUDGE for query in queries):
        raise DataError("Some questions are graded by a language model; name one of the pool with judge=NAME.")
    return queries


def plan(job: CollectJob, pool: ModelPool, queries: Sequence[Query]) -> list[Cell]:
    """Every cell, question by question."""
    sampling = Sampling(temperature=job.temperature, top_p=job.top_p, seed=job.seed)
    return [
        cell_of(
            Request(
                spec=spec, prompt=query.text, query=query, max_tokens=job.max_tokens, sampling=sampling,
                messages=messages_of(query, job.system), epoch=job.epoch,
            )
        )
        for query in queries
        for spec in pool.specs
    ]  # fmt: skip


def name_lost(cells: Sequence[Cell], lost: Mapping[str, int]) -> None:
    """Say which calls were on their way when an earlier process was killed."""
    if not lost:
        return
    known = {cell.request.key: f"{cell.query.query_id} of {cell.model}" for cell in cells}
    names = [known.get(key, "a judge's call or one of other settings") for key in lost]
    more = f" and {len(names) - SHOWN_LOST} more" if len(names) > SHOWN_LOST else ""
    say(
        f"{sum(lost.values())} calls were on their way when an earlier process of this run ended, and may be billed"
        f" though their answers are lost; they are asked again: {', '.join(names[:SHOWN_LOST])}{more}"
    )


def messages_of(query: Query, system: str | None) -> tuple[Mapping[str, Any], ...]:
    user = {"role": "user", "content": message_content(query, query.text)}
    return ({"role": "system", "content": system}, user) if system else (user,)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that a person can do something about, or else the first one."""
    errors = [
        e for error in group.exceptions for e in ([_first(error)] if isinstance(error, BaseExceptionGroup) else [error])
    ]
    return next((error for error in errors if isinstance(error, RouterError)), errors[0])
