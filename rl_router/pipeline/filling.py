"""Fill cells: ask what is left, each endpoint at its own pace, grade the answers and put each cell into the journal."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rl_router.data.graders import answer_of, grade, grade_async, takes_time
from rl_router.data.graders.grader import JUDGE
from rl_router.errors import BudgetExceededError, DataError, RouterError
from rl_router.observe.console import StepProgress
from rl_router.observe.formats import usd
from rl_router.pipeline.cells import Cell, Journal, Outcome, outcome_of
from rl_router.pipeline.judge import PoolJudge
from rl_router.pipeline.spending import Spending, most_usd
from rl_router.pipeline.turns import TURNS, in_context
from rl_router.pool.backend import Request
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.recordings import Recordings
from rl_router.types import Call, Query

SHOWN_EVERY_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class FillSettings:
    """`concurrency` is how many calls each endpoint takes at once."""

    concurrency: int
    budget_usd: float | None = None
    judge: str | None = None
    retry_failed: bool = False


class Filling:
    """What one process does for a run. `outcomes` begins with those in the journal and ends with one for every cell,
    unless the budget is spent before that; `asked` counts what this process added."""

    def __init__(
        self,
        cells: Sequence[Cell],
        settings: FillSettings,
        *,
        pool: ModelPool,
        recordings: Recordings,
        journal: Journal,
    ) -> None:
        self.cells, self.settings = cells, settings
        self.pool, self.recordings, self.journal = pool, recordings, journal
        kept = journal.read()
        if settings.retry_failed:
            kept = {key: outcome for key, outcome in kept.items() if not outcome.may_end_otherwise}
        self.outcomes = {cell.key: kept[cell.key] for cell in cells if cell.key in kept}
        self.asked = 0
        self.spending = Spending(settings.budget_usd, recordings.spent().cost_usd)
        self._costs: defaultdict[str, list[float]] = defaultdict(lambda: [0, 0.0])  # model -> calls, USD
        self._left = Counter(cell.model for cell in cells if cell.key not in self.outcomes)
        self._progress = StepProgress("collect", len(cells), start=len(self.outcomes), describe=_describe)
        self._shown_s = 0.0
        self._graded_slowly = 0  # right now
        self._is_spent = False
        self._error: Exception | None = None

    async def fill(self) -> None:
        """Ask what is left, each endpoint at its own pace."""
        by_endpoint: defaultdict[str | None, list[Cell]] = defaultdict(list)
        for cell in self.cells:
            if cell.key not in self.outcomes:
                by_endpoint[cell.request.spec.endpoint].append(cell)
        with self._progress:
            async with asyncio.TaskGroup() as tasks:
                for cells in by_endpoint.values():
                    queue = iter(cells)
                    for _ in range(min(self.settings.concurrency, len(cells))):
                        tasks.create_task(self._work(queue, tasks))
            await self.recordings.written()
            self._check()
            await self.journal.written()

    async def _work(self, queue: Iterator[Cell], tasks: asyncio.TaskGroup) -> None:
        """Ask one cell after the other. Answers whose grading takes time are graded meanwhile, if that keeps up."""
        for cell in queue:
            if self._is_spent:
                return
            self._check()
            ledger = Ledger()
            try:
                request, call = await self._ask(cell, ledger)
            except BudgetExceededError:
                return
            if not takes_time(cell.query.grader):
                self.recordings.when_written(partial(self._grade_at_once, cell, call, ledger))
                continue
            self._graded_slowly += 1
            grading = self._grade_slowly(cell, request.query, call, ledger)
            if self._graded_slowly <= self.settings.concurrency:
                tasks.create_task(grading)
            else:
                await grading

    async def _ask(self, cell: Cell, ledger: Ledger) -> tuple[Request, Call]:
        """The request of the last turn, and the call that its outcome depends on."""
        request = cell.request
        if TURNS in request.query.meta:
            request, failed = await in_context(request, lambda request: self._send(request, ledger))
            if failed is not None:
                return request, failed
        return request, await self._send(request, ledger)

    async def _send(self, request: Request, ledger: Ledger) -> Call:
        """One call, or a BudgetExceededError when the most that it can cost does not fit."""
        most = most_usd(request) if self.spending.limit_usd is not None else 0.0
        if not await self.spending.set_aside(most):
            raise BudgetExceededError("The next call does not fit the budget.")
        before_usd = ledger.wallet_usd
        try:
            return await self.pool.send(request, ledger=ledger)
        finally:
            self.spending.settle(most, ledger.wallet_usd - before_usd)

    def _check(self) -> None:
        """Raise what went wrong where nobody waits."""
        if self._error is not None:
            raise self._error
        self.journal.check()

    def _grade_at_once(self, cell: Cell, call: Call, ledger: Ledger) -> None:
        """When its call is written: answers that came together are graded together, after the next calls went out."""
        try:
            score = grade(cell.query.grader, answer_of(call.reply), cell.query)
            self._finish(cell, call, ledger, score)
        except Exception as error:
            self._error = self._error or _of_grader(error, cell)

    async def _grade_slowly(self, cell: Cell, query: Query, call: Call, ledger: Ledger) -> None:
        """`query` is what a judge reads of the question, all its turns included."""
        judge = None
        if cell.query.grader == JUDGE and self.settings.judge is not None:
            judge = PoolJudge(self.pool.spec(self.settings.judge), lambda request: self._send(request, ledger))
        try:
            score = await grade_async(cell.query.grader, answer_of(call.reply), query, judge=judge)
        except BudgetExceededError:  # for the judge
            self._is_spent = True
            return
        except Exception as error:
            raise _of_grader(error, cell) from error
        finally:
            self._graded_slowly -= 1
        self._finish(cell, call, ledger, score, judge.trouble if judge is not None else None)

    def _finish(self, cell: Cell, call: Call, ledger: Ledger, score: float | None, trouble: str | None = None) -> None:
        """The cell goes into the journal, but not before all its calls are in their own file."""
        outcome = outcome_of(cell, call, score, judge_trouble=trouble)
        self.recordings.when_written(lambda: self._put(cell, outcome))
        self._count(cell.model, ledger.wallet_usd)

    def _put(self, cell: Cell, outcome: Outcome) -> None:
        self.journal.put(cell, outcome)
        self.outcomes[cell.key] = outcome

    def _count(self, model: str, paid_usd: float) -> None:
        self.asked += 1
        self._left[model] -= 1
        cost = self._costs[model]
        cost[0] += 1
        cost[1] += paid_usd
        progress, done = self._progress, self._progress.start + self.asked
        if progress.live and done < len(self.cells):
            now_s = time.monotonic()
            if now_s < self._shown_s + SHOWN_EVERY_S:
                return
            self._shown_s = now_s
        if progress.live or done % progress.every == 0 or done in (progress.start + 1, len(self.cells)):
            progress.update(done, {"paid_usd": self.spending.spent_usd, "to_go_usd": self._to_go_usd()})

    def _to_go_usd(self) -> float:
        """What the cells that are left will cost, if they cost what their models' cells did in this process."""
        means = {model: cost[1] / cost[0] for model, cost in self._costs.items() if cost[0]}
        usual = sum(means.values()) / len(means) if means else 0.0
        return sum(left * means.get(model, usual) for model, left in self._left.items())


def _of_grader(error: Exception, cell: Cell) -> Exception:
    """What is wrong with a grader, said with the question that it failed on."""
    if isinstance(error, RouterError):
        return error
    return DataError(
        f"The grader {cell.query.grader!r} failed on {cell.query.query_id!r} ({type(error).__name__}: {error}); the"
        f" answer is recorded, so mend the grader and run again."
    )


def _describe(metrics: Mapping[str, float]) -> str:
    return f"paid {usd(metrics['paid_usd'])}  about {usd(metrics['to_go_usd'])} to go"
