"""The rule for a strong and a weak model: the strong one is asked when it wins often enough.

Ong et al. 2024, RouteLLM, https://arxiv.org/abs/2406.18665, equation 2: strong if P(win | q) ≥ α. For scores of 0 and 1
the win rate, a tie being half a win, is (1 + strong − weak) / 2, and so it is defined here for any scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from rl_router.errors import DataError, UnknownModelError
from rl_router.routers.learned import learned
from rl_router.routers.rule import Candidates, Rule
from rl_router.types import Decision

if TYPE_CHECKING:
    from rl_router.routers.observations import Observations
    from rl_router.routers.router import Router


@dataclass(kw_only=True)
class PairThreshold(Rule):
    """Strong if its win rate, less half the cost weight times the extra relative cost, is at least `threshold`.

    At 0.5 that is argmax over the two. `strong` is the best model of the fitted table unless named; `weak` is the
    cheapest other one, or the worst where no cost is recorded.
    """

    kind: Literal["threshold"] = "threshold"
    threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    strong: str | None = None
    weak: str | None = None
    strong_: str = learned()
    weak_: str = learned()

    def fit(self, observed: Observations, router: Router) -> PairThreshold:
        return self.between(observed.models, observed.mean_scores, observed.mean_costs_usd)

    def between(self, models: Sequence[str], mean_scores: np.ndarray, mean_costs_usd: np.ndarray) -> PairThreshold:
        """Settle on the two of `models` [m] by their means [m]."""
        if len(models) < 2:
            raise DataError(f"a threshold chooses between two models, and there is only {models[0]}")
        for name in (self.strong, self.weak):
            if name is not None and name not in models:
                raise UnknownModelError(f"there is no model {name!r} for the threshold; there are {', '.join(models)}")
        sizes = mean_scores if np.isnan(mean_costs_usd).any() else mean_costs_usd
        by_score, by_size = ([models[j] for j in np.argsort(key, kind="stable")] for key in (-mean_scores, sizes))
        self.strong_ = self.strong or next(name for name in by_score if name != self.weak)
        self.weak_ = self.weak or next(name for name in by_size if name != self.strong_)
        if self.strong_ == self.weak_:
            raise DataError(f"a threshold needs two models, and both strong and weak are {self.weak_!r}")
        return self

    def decide(self, candidates: Candidates) -> list[Decision]:
        there = [name for name in (self.weak_, self.strong_) if name in candidates.models]
        if not there:
            raise UnknownModelError(f"the threshold is between {self.weak_} and {self.strong_}; name one of them")
        columns = [candidates.models.index(name) for name in there]
        if len(columns) == 1:
            return [candidates.decision(i, columns[0], "the only one named") for i in range(len(candidates.queries))]
        margins = self.win_rates(candidates)
        return [
            candidates.decision(
                i, columns[int(margin >= self.threshold)], f"win rate {margin:.3f}, threshold {self.threshold:g}"
            )
            for i, margin in enumerate(margins)
        ]

    def choose(self, candidates: Candidates) -> np.ndarray:
        if not {self.weak_, self.strong_} <= set(candidates.models):
            return super().choose(candidates)
        weak, strong = (candidates.models.index(name) for name in (self.weak_, self.strong_))
        return np.where(self.win_rates(candidates) >= self.threshold, strong, weak)

    def win_rates(self, candidates: Candidates) -> np.ndarray:
        """[n] in units of a win rate, the extra cost taken off: what is held against the threshold."""
        weak, strong = (candidates.models.index(name) for name in (self.weak_, self.strong_))
        utility = candidates.utility
        return np.round((1.0 + utility[:, strong] - utility[:, weak]) / 2.0, 9)
