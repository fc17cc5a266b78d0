"""Rules that sometimes try what does not look best, and say with which chance they chose what they chose.

The `propensity` of a decision is what off-policy estimates divide by. What is drawn depends only on the seed and the
query, not on the cost weight or the process: ask with another seed, or another query_id, for another draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from rl_router.routers.rule import Candidates, Rule
from rl_router.routers.seeded import generator, uniform
from rl_router.types import Decision, Query


@dataclass(kw_only=True)
class EpsilonGreedy(Rule):
    """The best by utility; with chance ε any model, each as likely."""

    kind: Literal["epsilon_greedy"] = "epsilon_greedy"
    epsilon: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    seed: int = 0

    def decide(self, candidates: Candidates) -> list[Decision]:
        return [self._decide(candidates, i, query) for i, query in enumerate(candidates.queries)]

    def _decide(self, candidates: Candidates, i: int, query: Query) -> Decision:
        m = len(candidates.models)
        best = int(candidates.ranking[i, 0])
        explores = uniform(self.seed, "explore", query.query_id, query.text) < self.epsilon
        chosen = int(m * uniform(self.seed, "which", query.query_id, query.text)) if explores else best
        chances = self.epsilon / m + (1.0 - self.epsilon) * (np.arange(m) == best)
        return candidates.decision(i, chosen, "explored" if explores else "highest utility", chances=chances)


@dataclass(kw_only=True)
class Thompson(Rule):
    """The best by utility when each quality is drawn from Beta(1 + e·s, 1 + e·(1 − s)): Thompson 1933.

    `evidence` e is how many answers a predicted score s is worth. The propensity is the share of `draws` that would
    have chosen the same, so it is known to about 1 / √draws.
    """

    kind: Literal["thompson"] = "thompson"
    evidence: Annotated[float, Field(gt=0.0)] = 20.0
    draws: Annotated[int, Field(ge=2)] = 256
    seed: int = 0

    def decide(self, candidates: Candidates) -> list[Decision]:
        return [self._decide(candidates, i, query) for i, query in enumerate(candidates.queries)]

    def _decide(self, candidates: Candidates, i: int, query: Query) -> Decision:
        scores = candidates.scores[i]
        drawn = generator(self.seed, query.query_id, query.text).beta(
            1.0 + self.evidence * scores, 1.0 + self.evidence * (1.0 - scores), size=(self.draws, len(scores))
        )
        expense = candidates.utility[i] - scores  # [m] what the cost takes off, 0 or less
        choices = (drawn + expense).argmax(axis=1)
        chosen = int(choices[0])
        chances = np.bincount(choices, minlength=len(scores)) / self.draws
        return candidates.decision(i, chosen, "drawn from its posterior", chances=chances)
