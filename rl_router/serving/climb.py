"""How a cascade climbs within a budget: a reply is verified, and the next model is asked only if its price still fits.

What was not trusted is held, so that there is an answer when the money does not reach further, or nobody above answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rl_router.pool.pool import ModelPool
from rl_router.serving.routing import Choice, ServedRouter
from rl_router.serving.trace import Trace, record_of_charge
from rl_router.types import Call, ModelReply, Query

TRUSTED, LAST, OVER_BUDGET, NOT_ESCALATED = "trusted", "last_step", "over_budget", "not_escalated"
VERDICT = "(a verdict on the reply)"


@dataclass(kw_only=True)
class Climb:
    """`router` is the cascade that chose, None where nothing was decided. `trace.stop` says why it went no further."""

    choice: Choice
    router: ServedRouter | None
    query: Query
    budget_usd: float | None
    trace: Trace
    pool: Callable[[], ModelPool]
    held: Callable[[], Awaitable[None]] | None = None
    """Sends the last reply that was not trusted."""

    def at(self, rank: int) -> None:
        """The model of this rank is asked next."""
        if self.choice.steps and rank == self.choice.steps:
            self.trace.stop = LAST

    def affords(self, model: str, calls: int = 1) -> bool:
        """Whether so many calls are predicted to fit what is left of the budget."""
        decision = self.choice.decision
        if self.budget_usd is None or decision is None:
            return True
        return self.spent_usd + calls * decision.predicted_cost_usd.get(model, 0.0) <= self.budget_usd

    @property
    def spent_usd(self) -> float:
        """A call of which nobody knows the price counts as predicted."""
        decision = self.choice.decision
        predicted = decision.predicted_cost_usd if decision is not None else {}
        calls = self.trace.calls
        return sum(predicted.get(c.model, 0.0) if c.cost_usd is None else c.cost_usd for c in calls)

    async def stands(self, model: str, text: str, send: Callable[[], Awaitable[None]]) -> bool:
        """Whether this reply is the answer: because it is trusted, or because there is no money to ask further. One
        that is not trusted is held, to be sent by `send`."""
        assert self.router is not None
        place = self.choice.models.index(model)
        above = self.choice.models[place + 1 : self.choice.steps + 1]
        if not any(map(self.affords, above)) or not self.affords(model, self.router.router.verdicts):
            self.trace.stop = OVER_BUDGET
            return True
        if await self._is_trusted(model, text):
            self.trace.stop = TRUSTED
            return True
        self.held, self.trace.stop = send, NOT_ESCALATED
        return False

    async def _is_trusted(self, model: str, text: str) -> bool:
        assert self.router is not None
        ledger, before = self.trace.ledger, len(self.trace.ledger.charges)
        call = Call(model=model, query=self.query.text, reply=ModelReply(model=model, text=text), cost_usd=0.0)
        weight = self.choice.cost_weight or 0.0
        try:
            return await self.router.stands(self.query, call, weight, self.pool(), ledger)
        finally:
            self.trace.calls += [record_of_charge(charge, VERDICT) for charge in ledger.charges[before:]]
