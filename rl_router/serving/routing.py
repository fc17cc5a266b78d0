"""A router as it is served: from what a request asks to a ranking of the models that may answer it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from rl_router.errors import PoolError, RecipeError
from rl_router.routers.calibration import as_calibrated, with_threshold
from rl_router.routers.router import Router, load_router
from rl_router.routers.rule import Candidates
from rl_router.serving.errors import ApiError
from rl_router.serving.extras import Extras
from rl_router.serving.scoring import Scorer
from rl_router.serving.sessions import Conversation
from rl_router.types import Decision, Query


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Who is asked, in this order. The first `steps` are a cascade's: their replies stand only if it trusts them.

    `decision` is None where a model was named and nothing was decided.
    """

    strategy: str
    models: tuple[str, ...]
    decision: Decision | None = None
    cost_weight: float | None = None
    steps: int = 0
    kept: bool = False
    """Whether the conversation kept its model against a small gain elsewhere."""


class ServedRouter:
    """The router `name` over those of its models that the pool has."""

    def __init__(self, name: str, folder: Path, pool: Collection[str], *, processes: int = 0) -> None:
        self.name = name
        self.router: Router = load_router(folder)
        if self.router.asks_to_judge or type(self.router).route is not Router.route:
            kind = type(self.router).__name__
            raise RecipeError(f"{folder}: a {kind} decides with calls of its own, which the gateway does not serve yet")
        self.calibrated, self.cost_weight = as_calibrated(self.router)
        self.models = tuple(model for model in self.router.models_ if model in pool)
        if not self.models:
            raise PoolError(f"the pool has none of the models of {folder}: {', '.join(self.router.models_)}")
        self.scorer = Scorer(self.router, folder, processes=processes)
        self.router_at = lru_cache(maxsize=256)(partial(with_threshold, self.router))

    async def choose(
        self, query: Query, extras: Extras, *, threshold: float | None = None, conversation: Conversation | None = None
    ) -> Choice:
        router, weight = self.router, extras.cost_weight
        if threshold is not None:
            router, weight = self.router_at(threshold), weight or 0.0
        elif weight is None:
            router, weight = self.calibrated, self.cost_weight
        candidates = await self.candidates(query, extras, weight, conversation)
        decision = router.decide(candidates)[0]
        strategy = self.name if threshold is None else f"{self.name}@{threshold:g}"
        if router.is_cascade:
            steps = (decision.model, *decision.fallbacks)
            rest = [m for m in self._ranked(candidates) if m not in steps]
            return Choice(
                strategy=strategy, models=(*steps, *rest), decision=decision, cost_weight=weight,
                steps=len(decision.fallbacks),
            )  # fmt: skip
        kept = conversation is not None and conversation.keeps(candidates, decision.model)
        first = conversation.model if kept and conversation is not None else decision.model
        order = dict.fromkeys((first, *decision.fallbacks, *self._ranked(candidates)))
        return Choice(strategy=strategy, models=tuple(order), decision=decision, cost_weight=weight, kept=kept)

    async def candidates(
        self, query: Query, extras: Extras, cost_weight: float, conversation: Conversation | None = None
    ) -> Candidates:
        """What the rule decides on. ApiError when no model is allowed, or none fits the request's budget."""
        row = await self.scorer.scored(query)
        columns = self._columns(extras, row.costs_usd)
        models = tuple(self.router.models_[j] for j in columns)
        costs_usd = row.costs_usd[columns]
        if cost_weight > 0 and (np.isnan(costs_usd).any() or self.router.cost_reference_usd_ is None):
            raise ApiError(400, "this router knows no price for some model: leave cost_weight out", param="cost_weight")
        if conversation is not None:
            costs_usd = conversation.costs_usd(models, costs_usd)
        return Candidates(
            queries=(query,),
            models=models,
            scores=row.scores[None, columns],
            costs_usd=costs_usd[None],
            cost_reference_usd=self.router.cost_reference_usd_ or 1.0,
            cost_weight=cost_weight if self.router.has_dial else 0.0,
        )

    def stands(self, query: Query, model: str, text: str, cost_weight: float) -> bool:
        """Whether a cascade lets the reply stand."""
        trust = self.router.confidence([query], [model], [text])
        return bool(self.router.accepts([query], trust, cost_weight)[0])

    def _columns(self, extras: Extras, costs_usd: np.ndarray) -> list[int]:
        allowed = self.models
        if extras.allowed_models is not None:
            allowed = tuple(model for model in self.models if model in extras.allowed_models)
            if not allowed:
                known = ", ".join(self.models)
                raise ApiError(400, f"allowed_models names no model of this router: {known}", param="allowed_models")
        columns = [self.router.models_.index(model) for model in allowed]
        if extras.budget_usd is None:
            return columns
        fitting = [j for j in columns if not costs_usd[j] > extras.budget_usd]
        if not fitting:
            least = float(np.nanmin(costs_usd[columns]))
            message = f"the cheapest allowed model will cost about {least:.6f} USD, over budget_usd"
            raise ApiError(400, message, code="over_budget", param="budget_usd")
        return fitting

    def _ranked(self, candidates: Candidates) -> list[str]:
        return [candidates.models[j] for j in candidates.ranking[0]]

    def close(self) -> None:
        self.scorer.close()
