"""The selection rules by name, and the two that need nothing more than a ranking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from rl_router.routers.cascade import Cascade
from rl_router.routers.exploring import EpsilonGreedy, Thompson
from rl_router.routers.pair import PairThreshold
from rl_router.routers.rule import Candidates, Rule
from rl_router.types import Decision


@dataclass(kw_only=True)
class Argmax(Rule):
    """The model with the highest utility."""

    kind: Literal["argmax"] = "argmax"

    def decide(self, candidates: Candidates) -> list[Decision]:
        reason = f"highest quality − {candidates.cost_weight:g} × relative cost"
        return [candidates.decision(i, row[0], reason) for i, row in enumerate(candidates.ranking)]

    def choose(self, candidates: Candidates) -> np.ndarray:
        return best(candidates)


@dataclass(kw_only=True)
class TopK(Rule):
    """The best by utility, and the next `k − 1` to turn to when a call fails."""

    kind: Literal["top_k"] = "top_k"
    k: Annotated[int, Field(ge=2)] = 3

    def decide(self, candidates: Candidates) -> list[Decision]:
        reason = f"the best of {len(candidates.models)}, the next {self.k - 1} as fallbacks"
        return [candidates.decision(i, row[0], reason, row[1 : self.k]) for i, row in enumerate(candidates.ranking)]

    def choose(self, candidates: Candidates) -> np.ndarray:
        return best(candidates)


def best(candidates: Candidates) -> np.ndarray:
    """[n]"""
    return np.asarray(candidates.ranking[:, 0])


RULES: dict[str | None, type[Rule]] = {
    "argmax": Argmax,
    "top_k": TopK,
    "threshold": PairThreshold,
    "cascade": Cascade,
    "epsilon_greedy": EpsilonGreedy,
    "thompson": Thompson,
}
AnyRule = Annotated[
    Argmax | TopK | PairThreshold | Cascade | EpsilonGreedy | Thompson,
    Field(discriminator="kind"),
]
