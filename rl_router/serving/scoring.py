"""Scoring off the event loop: whatever asks while a batch is computed makes the next one; nothing is scored twice.

The text's row of scores and costs is kept; the cost weight, the models that are allowed and the rule come after it, so
that one row serves every setting of the dial.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from rl_router.errors import DataError
from rl_router.routers.online import Online
from rl_router.routers.router import Router, load_router
from rl_router.types import Decision, Query

LARGEST_BATCH = 64
GATHER_S = 0.002
"""How long the first of a batch waits for others. To score one text costs nearly what eight do, and no answer of a
model is quick enough for this to be felt."""
KEPT_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Scored:
    """One text: predicted quality and cost of a call per model of the router, NaN where no price is known."""

    scores: np.ndarray  # [m]
    costs_usd: np.ndarray  # [m]


class Scorer:
    """One thread, or `processes` of them for routers whose Python would hold up the loop."""

    def __init__(self, router: Router, folder: Path, *, processes: int = 0) -> None:
        self._router = router
        self._executor: Executor
        if processes:
            self._executor = ProcessPoolExecutor(
                processes, mp_context=get_context("spawn"), initializer=_load, initargs=(folder,)
            )
        else:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="scorer")
        self._in_process = not processes
        self._free = max(1, processes)
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: OrderedDict[str, tuple[Query, asyncio.Future[Scored]]] = OrderedDict()
        self._under_way: dict[str, asyncio.Future[Scored]] = {}
        self._rows: OrderedDict[str, Scored] = OrderedDict()

    async def scored(self, query: Query) -> Scored:
        text = query.text
        row = self._rows.get(text)
        if row is not None:
            self._rows.move_to_end(text)
            return row
        future = self._under_way.get(text)
        if future is None:
            future = self._under_way[text] = asyncio.get_running_loop().create_future()
            self._waiting[text] = query, future
            if self._free and self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._send)
        return await asyncio.shield(future)  # one client that leaves takes nothing from the others

    async def routed(self, query: Query, cost_weight: float, models: Sequence[str], *, counts: bool = True) -> Decision:
        """What a router that decides in its own way decides. One that learns keeps it only if it `counts`."""
        loop = asyncio.get_running_loop()
        router = self._router
        decide = router.considered if isinstance(router, Online) and not counts else router.route
        work = partial(decide, [query], cost_weight=cost_weight, models=models)
        return (await loop.run_in_executor(self._executor, work))[0]

    def tell(self, router: Online, decision_id: str, quality: float | None, cost_usd: float | None) -> Future[None]:
        """In the order of what happened, behind the decisions; one that the router never made is not its own. What was
        said is in its file when the future is done. RuntimeError when it is being closed."""
        return self._executor.submit(_tell, router, decision_id, quality, cost_usd)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _send(self) -> None:
        """The next batch goes to the executor, as large as what waits."""
        self._timer = None
        count = min(len(self._waiting), LARGEST_BATCH)
        batch = [self._waiting.popitem(last=False)[1] for _ in range(count)]
        queries = [query for query, _ in batch]
        loop = asyncio.get_running_loop()
        self._free -= 1
        if self._in_process:
            done = loop.run_in_executor(self._executor, _score, self._router, queries)
        else:
            done = loop.run_in_executor(self._executor, _score_there, queries)
        done.add_done_callback(lambda finished: self._deliver(batch, finished))

    def _deliver(
        self, batch: Sequence[tuple[Query, asyncio.Future[Scored]]], finished: asyncio.Future[list[Scored]]
    ) -> None:
        self._free += 1
        error = finished.exception() if not finished.cancelled() else asyncio.CancelledError()
        for number, (query, future) in enumerate(batch):
            del self._under_way[query.text]
            if error is None:
                row = self._rows[query.text] = finished.result()[number]
                future.set_result(row)
            elif not future.done():
                future.set_exception(error)
                future.exception()  # whoever asked may have left: nobody need fetch it
        while len(self._rows) > KEPT_ROWS:
            self._rows.popitem(last=False)
        if self._waiting and self._timer is None:
            self._send()


def _score(router: Router, queries: Sequence[Query]) -> list[Scored]:
    """Row by row where a batch fails: one text that a router cannot read must not fail its neighbours."""
    scores, costs_usd = router.scores(queries), router.costs_usd(queries)
    return [Scored(scores[i], costs_usd[i]) for i in range(len(queries))]


def _tell(router: Online, decision_id: str, quality: float | None, cost_usd: float | None) -> None:
    with suppress(DataError):
        router.outcome(decision_id, quality=quality, cost_usd=cost_usd)


_ROUTER: Router


def _load(folder: Path) -> None:
    global _ROUTER
    _ROUTER = load_router(folder)


def _score_there(queries: Sequence[Query]) -> list[Scored]:
    return _score(_ROUTER, queries)
