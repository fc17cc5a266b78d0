"""What a classical router must beat, on the same rows: fixed choices, lookups, kNN; and the oracle, which none can.

Fixed choices are made on the fitted rows by their mean scores and costs: `cheapest`, `strongest` (the best mean score)
and `best_single`, the best of them at each cost weight.
"""

from __future__ import annotations

import numpy as np

from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.knn import Knn
from rl_router.routers.observations import Observations
from rl_router.routers.oracle import Oracle
from rl_router.routers.router import Router
from rl_router.routers.seeded import generator


class ClassicalBaselines:
    """Fitted once; `chains` then asks them at one cost weight."""

    def __init__(
        self, fit_on: Observations, asked: Observations, cost_reference_usd: float | None, *, seed: int = 0
    ) -> None:
        self.asked, self.reference_usd = asked, cost_reference_usd
        self.means, self.costs = fit_on.mean_scores, fit_on.mean_costs_usd  # [m]
        routers: dict[str, Router] = {
            "best_per_task": BestPerTask().fit_observed(fit_on),
            "knn": Knn().fit_observed(fit_on),
            "oracle": Oracle().fit_observed(asked),
        }
        if cost_reference_usd is not None:
            for router in routers.values():
                router.cost_reference_usd_ = cost_reference_usd  # one λ means one price for all
        self.routed = {name: router.chain_at(asked.queries, asked.table) for name, router in routers.items()}
        n, m = asked.scores.shape
        self.anyone: list[int] = [int(j) for j in generator(seed, "random").integers(m, size=(n,))]

    def chains(self, cost_weight: float) -> dict[str, list[list[str]]]:
        """The one model that each baseline asks for each query."""
        models, n = self.asked.models, len(self.asked.queries)
        single = self.means
        if cost_weight > 0 and self.reference_usd is not None:
            single = single - cost_weight * self.costs / self.reference_usd
        fixed = {"strongest": int(self.means.argmax()), "best_single": int(single.argmax())}
        if not np.isnan(self.costs).any():
            fixed = {"cheapest": int(self.costs.argmin()), **fixed}
        found = {name: [[models[j]]] * n for name, j in fixed.items()}
        found["random"] = [[models[j]] for j in self.anyone]
        return found | {name: chain_at(cost_weight) for name, chain_at in self.routed.items()}
