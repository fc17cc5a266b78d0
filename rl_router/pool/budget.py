"""Budgets nest, run > episode > call: spending from one spends from all around it, and the tightest one decides."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from threading import Lock

from rl_router.errors import BudgetExceededError

# Summed float prices may pass a limit by rounding alone; a billionth of a micro-dollar is no overdraft.
ROUNDING_USD = 1e-15

# One lock for every budget: a spend touches a whole chain, and chains share parents.
_LOCK = Lock()


class Budget:
    """A limit in USD. `spend` asks and pays in one step; `settle` records money that has already gone."""

    def __init__(self, limit_usd: float, name: str = "run", parent: Budget | None = None) -> None:
        if isnan(limit_usd) or limit_usd < 0:
            raise BudgetExceededError(f"The {name} budget is {limit_usd} USD; a limit must be zero or more.")
        self.limit_usd = limit_usd
        self.name = name
        self.parent = parent
        self.spent_usd = 0.0

    @property
    def left_usd(self) -> float:
        """What may still be spent here: the least that this budget and those around it have left, never below zero."""
        return max(0.0, min(b.limit_usd - b.spent_usd for b in self._chain()))

    def admits(self, cost_usd: float) -> bool:
        return self._tight(cost_usd) is None

    def spend(self, cost_usd: float) -> None:
        """Pay from this budget and all around it, or raise with nothing spent."""
        with _LOCK:
            tight = self._tight(cost_usd)
            if tight is not None:
                left_usd = max(0.0, tight.limit_usd - tight.spent_usd)
                raise BudgetExceededError(
                    f"A call for {cost_usd:.6g} USD does not fit the {tight.name} budget: {left_usd:.6g} of "
                    f"{tight.limit_usd:.6g} USD are left; raise the limit or route to a cheaper model."
                )
            self._add(cost_usd)

    def settle(self, cost_usd: float) -> None:
        """Record a payment that was made whatever the limit says, such as the reply of a live model."""
        with _LOCK:
            self._add(cost_usd)

    def _add(self, cost_usd: float) -> None:
        for budget in self._chain():
            budget.spent_usd += cost_usd

    def _tight(self, cost_usd: float) -> Budget | None:
        """The innermost budget that `cost_usd` would overdraw."""
        return next((b for b in self._chain() if b.spent_usd + cost_usd > b.limit_usd + ROUNDING_USD), None)

    def _chain(self) -> Iterator[Budget]:
        budget: Budget | None = self
        while budget is not None:
            yield budget
            budget = budget.parent
