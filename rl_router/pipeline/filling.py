"""Fill cells: ask what is left, each endpoint at its own pace, grade the answers and put each cell into the journal."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rl_router.data.graders import answer_of, grade_async
from rl_router.data.graders.grader import JUDGE
from rl_router.errors import BudgetExceededError, DataError, RouterError
from rl_router.observe.console import StepProgress
from rl_router.observe.formats import usd
from rl_router.pipeline.cells import Cell, Journal, Outcome, outcome_of
from rl_router.pipeline.judge import PoolJudge
from rl_router.pipeline.spending import Spending, most_usd
from rl_router.pipeline.turns import in_context
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
        self.cells, self.settings, self.pool, self.journal = cells, settings, pool, journal
        kept = journal.read()
        if settings.retry_failed:
            kept = {key: outcome for key, outcome in kept.items() if not outcome.may_end_otherwise}
        self.outcomes = {cell.key: kept[cell.key] for cell in cells if cell.key in kept}
        self.asked = 0
        self.spending = Spending(settings.budget_usd, recordings.spent().cost_usd)
        self._costs: defaultdict[str, list[float]] = defaultdict(lambda: [0, 0.0])  # model -> calls, USD
        self._left = Counter(cell.model for cell in cells if cell.key not in self.outcomes)
        self._shown_s = 0.0

    async def fill(self) -> None:
        """Ask what is left, each endpoint at its own pace."""
        by_endpoint: defaultdict[str | None, list[Cell]] = defaultdict(list)
        for cell in self.cells:
            if cell.key not in self.outcomes:
                by_endpoint[cell.request.spec.endpoint].append(cell)
        total, start = len(self.cells), len(self.outcomes)
        progress = StepProgress("collect", total, start=start, describe=_describe)
        with progress:
            async with asyncio.TaskGroup() as tasks:
                for cells in by_endpoint.values():
                    queue = iter(cells)
                    # twice as many as the lane lets through: answers are graded and written while others are asked
                    for _ in range(min(2 * self.settings.concurrency, len(cells))):
                        tasks.create_task(self._work(queue, progress))
        await self.journal.written()

    async def _work(self, queue: Iterator[Cell], progress: StepProgress) -> None:
        for cell in queue:
            ledger = Ledger()
            try:
                outcome = await self._outcome(cell, ledger)
            except BudgetExceededError:
                return
            self.journal.put(cell, outcome)
            self.outcomes[cell.key] = outcome
            self._count(cell, outcome, ledger.wallet_usd, progress)

    async def _outcome(self, cell: Cell, ledger: Ledger) -> Outcome:
        request, failed = await in_context(cell.request, lambda request: self._send(request, ledger))
        call = failed or await self._send(request, ledger)
        judge = None
        if cell.grader == JUDGE and self.settings.judge is not None:
            judge = PoolJudge(self.pool.spec(self.settings.judge), lambda request: self._send(request, ledger))
        score = await self._grade(cell, request.query, answer_of(call.reply), judge)
        return outcome_of(cell, call, score, judge_trouble=judge.trouble if judge is not None else None)

    async def _send(self, request: Request, ledger: Ledger) -> Call:
        """One call, or a BudgetExceededError when the most that it can cost does not fit."""
        most = most_usd(request) if self.spending.limit_usd is not None else 0.0
        if not await self.spending.set_aside(most):
            raise BudgetExceededError("The next call does not fit the budget.")
        before_usd = ledger.wallet_usd
        try:
            return await self.pool.send(request, ledger=ledger)
        finally:
            await self.spending.settle(most, ledger.wallet_usd - before_usd)

    async def _grade(self, cell: Cell, query: Query, answer: str | None, judge: PoolJudge | None) -> float | None:
        try:
            return await grade_async(cell.grader, answer, query, judge=judge)
        except RouterError:
            raise
        except Exception as error:
            raise DataError(
                f"The grader {cell.grader!r} failed on {cell.query.query_id!r} ({type(error).__name__}: {error}); the"
                f" answer is recorded, so mend the grader and run again."
            ) from error

    def _count(self, cell: Cell, outcome: Outcome, paid_usd: float, progress: StepProgress) -> None:
        self.asked += 1
        self._left[cell.model] -= 1
        cost = self._costs[cell.model]
        cost[0] += 1
        cost[1] += paid_usd
        done, now_s = len(self.outcomes), time.monotonic()
        if done == len(self.cells) or not progress.live or now_s - self._shown_s > SHOWN_EVERY_S:
            self._shown_s = now_s
            if progress.live or done % progress.every == 0 or done in (progress.start + 1, len(self.cells)):
                progress.update(done, {"paid_usd": self.spending.spent_usd, "to_go_usd": self._to_go_usd()})

    def _to_go_usd(self) -> float:
        """What the cells that are left will cost, if they cost what their models' cells did in this process."""
        means = {model: cost[1] / cost[0] for model, cost in self._costs.items() if cost[0]}
        usual = sum(means.values()) / len(means) if means else 0.0
        return sum(left * means.get(model, usual) for model, left in self._left.items())


def _describe(metrics: Mapping[str, float]) -> str:
    return f"paid {usd(metrics['paid_usd'])}  about {usd(metrics['to_go_usd'])} to go"
