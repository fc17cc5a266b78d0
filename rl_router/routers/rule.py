"""What a selection rule is: from the predicted quality and cost of every candidate to a decision.

Utility is quality − cost_weight × cost / reference. Every rule is such that a higher cost weight never raises the
predicted cost of what it chooses: of equal utilities the cheaper wins, and of equal prices the first by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rl_router.errors import RecipeError
from rl_router.routers.learned import Learned
from rl_router.types import Decision, Query

if TYPE_CHECKING:
    from rl_router.routers.observations import Observations
    from rl_router.routers.router import Router


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """What a rule decides on. Costs are NaN where a model has no price, which only happens at cost weight 0."""

    queries: Sequence[Query]  # n
    models: tuple[str, ...]  # m, by name
    scores: np.ndarray  # [n, m] predicted quality in 0..1
    costs_usd: np.ndarray  # [n, m] predicted cost of a call
    cost_reference_usd: float
    cost_weight: float

    @cached_property
    def utility(self) -> np.ndarray:
        """[n, m]"""
        if self.cost_weight == 0:
            return self.scores
        return self.scores - self.cost_weight * self.costs_usd / self.cost_reference_usd

    @cached_property
    def comparable_costs(self) -> np.ndarray:
        """[n, m] a model without a price is the dearest."""
        return np.where(np.isnan(self.costs_usd), np.inf, self.costs_usd)

    @cached_property
    def ranking(self) -> np.ndarray:
        """[n, m] columns from the best to the worst utility; equals by cost, then by name."""
        return self.ranked(self.utility)

    def ranked(self, utility: np.ndarray) -> np.ndarray:
        return np.lexsort((self.comparable_costs, -utility), axis=-1)  # a stable sort: equals keep the order of names

    def decision(
        self, i: int, chosen: int, reason: str, fallbacks: Sequence[int] = (), chances: np.ndarray | None = None
    ) -> Decision:
        """The decision for query i: column `chosen`, then the columns of `fallbacks`. `chances` [m] of a rule that
        samples."""
        costs = {m: float(c) for m, c in zip(self.models, self.costs_usd[i], strict=True) if not np.isnan(c)}
        return Decision(
            model=self.models[chosen],
            scores=dict(zip(self.models, self.scores[i].tolist(), strict=True)),
            predicted_cost_usd=costs,
            fallbacks=tuple(self.models[j] for j in fallbacks),
            reason=reason,
            propensity=1.0 if chances is None else float(chances[chosen]),
            chances={} if chances is None else dict(zip(self.models, chances.tolist(), strict=True)),
        )


@dataclass(kw_only=True)
class Rule(Learned):
    """One way to choose. `fit` may learn from the table that the scorer was fitted on."""

    is_cascade: ClassVar[bool] = False
    """Whether a reply may send a query on to the next model of its decision, though no call failed."""

    @classmethod
    def of_kind(cls, kind: str | None) -> type[Rule]:
        from rl_router.routers.rules import RULES

        if kind not in RULES:
            raise RecipeError(f"unknown rule {kind!r}; there are {', '.join(map(str, RULES))}")
        return RULES[kind]

    def fit(self, observed: Observations, router: Router) -> Rule:
        return self

    def decide(self, candidates: Candidates) -> list[Decision]:
        raise NotImplementedError

    def choose(self, candidates: Candidates) -> np.ndarray:
        """[n] the column that each decision names first, for whoever needs no more of it."""
        return columns_of(self.decide(candidates), candidates.models)


def columns_of(decisions: Sequence[Decision], models: Sequence[str]) -> np.ndarray:
    """[n] the place among `models` of the one that each decision names."""
    column = {model: j for j, model in enumerate(models)}
    return np.array([column[decision.model] for decision in decisions], dtype=int)
