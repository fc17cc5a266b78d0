"""A cascade: ask the cheapest model first, and a dearer one when a verifier does not trust the reply.

Chen et al. 2023, FrugalGPT, https://arxiv.org/abs/2305.05176: a scorer of (query, reply) decides whether to stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from rl_router.routers.learned import learned
from rl_router.routers.rule import Candidates, Rule
from rl_router.routers.verifier import ReplyVerifier
from rl_router.types import Decision, Query

if TYPE_CHECKING:
    from rl_router.data.table import RoutingTable
    from rl_router.routers.observations import Observations
    from rl_router.routers.router import Router


@dataclass(kw_only=True)
class Cascade(Rule):
    """A ladder of at most `length` models, each dearer than the last and better even at the cost weight.

    A reply whose confidence is under `accept` sends the query one step up. A higher cost weight takes steps away.
    """

    kind: Literal["cascade"] = "cascade"
    length: Annotated[int, Field(ge=2)] = 3
    accept: Annotated[float, Field(ge=0.0, le=1.0)] = 0.6
    verifier_: ReplyVerifier = learned()

    def fit(self, observed: Observations, router: Router) -> Cascade:
        self.verifier_ = ReplyVerifier().fit(observed)
        return self

    def decide(self, candidates: Candidates) -> list[Decision]:
        return [self._decide(candidates, i) for i in range(len(candidates.queries))]

    def accepts(self, queries: Sequence[Query], models: Sequence[str], replies: Sequence[str]) -> np.ndarray:
        """[n] whether each reply may stand."""
        return self.verifier_.confidence(queries, models, replies) >= self.accept

    def _decide(self, candidates: Candidates, i: int) -> Decision:
        utility, ladder = candidates.utility[i], list[int]()
        for j in np.lexsort((-utility, candidates.comparable_costs[i])):
            if not ladder or utility[j] > utility[ladder[-1]]:
                ladder.append(int(j))
        steps = [ladder[0], *ladder[1:][-(self.length - 1) :]]
        reason = f"the first of {len(steps)} steps, up to the next while a reply's confidence is under {self.accept:g}"
        return candidates.decision(i, steps[0], reason, steps[1:])


def follow(rule: Rule, decisions: Sequence[Decision], queries: Sequence[Query], table: RoutingTable) -> list[list[str]]:
    """The models that each decision would have asked in turn, by the replies that `table` records.

    Only a cascade goes on after the first. A model without a recorded reply ends a chain: nobody knows what it said.
    """
    asked = [[decision.model] for decision in decisions]
    if not isinstance(rule, Cascade):
        return asked
    going = list(range(len(decisions)))
    while going:
        cells = [table.cell(queries[i].query_id, asked[i][-1]) for i in going]
        known = [
            (i, cell.response)
            for i, cell in zip(going, cells, strict=True)
            if cell is not None and cell.response is not None and len(asked[i]) <= len(decisions[i].fallbacks)
        ]
        if not known:
            break
        rows = [i for i, _ in known]
        stands = rule.accepts([queries[i] for i in rows], [asked[i][-1] for i in rows], [text for _, text in known])
        going = [i for i, stand in zip(rows, stands, strict=True) if not stand]
        for i in going:
            asked[i].append(decisions[i].fallbacks[len(asked[i]) - 1])
    return asked
