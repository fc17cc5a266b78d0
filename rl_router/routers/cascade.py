"""A cascade: ask the cheapest model first, and a dearer one when a verifier does not trust the reply.

Chen et al. 2023, FrugalGPT, https://arxiv.org/abs/2305.05176: a scorer of (query, reply) decides whether to stop.

What comes of it is a route of several calls, all of them paid: the last one answers. Recorded replies are followed by
`Router.chain`, which names the models of each route; live ones by `rl_router.routers.answering.answer`, which charges
every call to one ledger. Who serves or replays a cascade otherwise asks, of each reply that came, whether
`router.accepts([query], router.confidence([query], [model], [reply]), cost_weight)`, and if not, the next of the
decision's `fallbacks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from rl_router.errors import DataError
from rl_router.routers.learned import learned
from rl_router.routers.rule import Candidates, Rule
from rl_router.routers.verifier import ReplyVerifier
from rl_router.types import Decision, Query

if TYPE_CHECKING:
    from rl_router.data.table import RoutingTable
    from rl_router.routers.observations import Observations
    from rl_router.routers.router import Router

Judged = dict[tuple[str, str], float | None]
"""By (query id, model), the confidence in the recorded reply; None where there is none."""


@dataclass(kw_only=True)
class Cascade(Rule):
    """A ladder of at most `length` models, each dearer than the last and better even at the cost weight.

    A reply whose confidence is under `accept` sends the query one step up. A higher cost weight takes steps away.
    """

    is_cascade: ClassVar[bool] = True
    kind: Literal["cascade"] = "cascade"
    length: Annotated[int, Field(ge=2)] = 3
    accept: Annotated[float, Field(ge=0.0, le=1.0)] = 0.6
    verifier_: ReplyVerifier = learned()

    def fit(self, observed: Observations, router: Router) -> Cascade:
        self.verifier_ = ReplyVerifier().fit(observed)
        return self

    def decide(self, candidates: Candidates) -> list[Decision]:
        return [self._decide(candidates, i) for i in range(len(candidates.queries))]

    def _decide(self, candidates: Candidates, i: int) -> Decision:
        utility, ladder = candidates.utility[i], list[int]()
        for j in np.lexsort((-utility, candidates.comparable_costs[i])):
            if not ladder or utility[j] > utility[ladder[-1]]:
                ladder.append(int(j))
        steps = [ladder[0], *ladder[1:][-(self.length - 1) :]]
        reason = f"the first of {len(steps)} steps, up to the next while a reply's confidence is under {self.accept:g}"
        return candidates.decision(i, steps[0], reason, steps[1:])


def follow(
    router: Router,
    decisions: Sequence[Decision],
    queries: Sequence[Query],
    table: RoutingTable,
    cost_weight: float,
    judged: Judged,
) -> list[list[str]]:
    """The models that each decision of a cascade asks in turn, by the replies that `table` records.

    A model without a recorded reply ends a route: nobody knows what it said. DataError where that is every model.
    `judged` is filled on the way.
    """
    asked = [[decision.model] for decision in decisions]
    going = [i for i, decision in enumerate(decisions) if decision.fallbacks]
    first = True
    while going:
        confidence = _confidence(router, [(queries[i], asked[i][-1]) for i in going], table, judged)
        if first and all(value is None for value in confidence):
            raise DataError(
                f"A cascade is judged by recorded replies, and the {table.where} has none to these queries; choose a"
                " table with responses, or another rule."
            )
        first = False
        going = [i for i, value in zip(going, confidence, strict=True) if value is not None]
        known = np.array([value for value in confidence if value is not None])
        stands = router.accepts([queries[i] for i in going], known, cost_weight)
        going = [i for i, stand in zip(going, stands, strict=True) if not stand]
        for i in going:
            asked[i].append(decisions[i].fallbacks[len(asked[i]) - 1])
        going = [i for i in going if len(asked[i]) <= len(decisions[i].fallbacks)]
    return asked


def _confidence(
    router: Router, cells: Sequence[tuple[Query, str]], table: RoutingTable, judged: Judged
) -> list[float | None]:
    new = [(query, model) for query, model in cells if (query.query_id, model) not in judged]
    if new:
        found = router.recorded_confidence([query for query, _ in new], [model for _, model in new], table)
        judged.update({(query.query_id, model): value for (query, model), value in zip(new, found, strict=True)})
    return [judged[query.query_id, model] for query, model in cells]
