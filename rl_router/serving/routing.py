"""A router as it is served: from what a request asks to a ranking of the models that may answer it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from rl_router.data.modalities import modalities_of, takes
from rl_router.errors import PoolError
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.routers.calibration import use_threshold
from rl_router.routers.online import Online
from rl_router.routers.router import Router, load_router
from rl_router.routers.rule import Candidates
from rl_router.serving.errors import ApiError
from rl_router.serving.extras import Extras
from rl_router.serving.scoring import Scorer
from rl_router.serving.sessions import Conversation
from rl_router.types import Call, Decision, Query

OUTCOMES = "outcomes.sqlite"
"""Beside the router, for one that learns while it serves: what it decided and what came of it."""


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
    arm: str = ""
    """Of a trial, `control` or `canary`: whose decision this is."""
    arms: Mapping[str, str] = field(default_factory=dict)
    """The model that each arm of a trial decided on."""


class ServedRouter:
    """The router `name` over those of its models that the pool has.

    A router that does more than score and apply a rule (`route` or `decide` of its own) is asked as a whole.
    """

    def __init__(self, name: str, folder: Path, pool: Mapping[str, ModelSpec], *, processes: int = 0) -> None:
        self.name, self._specs = name, pool
        self.router: Router = load_router(folder)
        self.models = tuple(model for model in self.router.models_ if model in pool)
        if not self.models:
            raise PoolError(f"the pool has none of the models of {folder}: {', '.join(self.router.models_)}")
        kind = type(self.router)
        self._only_scores = kind.route is Router.route and kind.decide is Router.decide
        if isinstance(self.router, Online):
            self.router.attach(folder.parent / OUTCOMES)
        self.scorer = Scorer(self.router, folder, processes=processes if self._only_scores else 0)
        self._rule_at = lru_cache(maxsize=256)(partial(use_threshold, self.router))

    @property
    def cost_weight(self) -> float:
        """What the router was calibrated to, else 0."""
        calibration = self.router.calibration_
        return calibration.cost_weight if calibration is not None else 0.0

    async def choose(
        self,
        query: Query,
        extras: Extras,
        *,
        threshold: float | None = None,
        conversation: Conversation | None = None,
        counts: bool = True,
    ) -> Choice:
        """`counts`: the decision is acted on, so a router that learns will hear what came of it."""
        weight = extras.cost_weight
        if weight is None:
            weight = self.cost_weight if threshold is None else 0.0
        candidates = await self._candidates(query, extras, weight, conversation)
        ranked = [candidates.models[j] for j in candidates.ranking[0]]
        if threshold is not None:
            decision = self._rule_at(threshold).decide(candidates)[0]
            strategy = f"{self.name}@{threshold:g}"
            return Choice(strategy=strategy, models=_order(decision, ranked), decision=decision, cost_weight=weight)
        if self._only_scores:
            decision = self.router.decide(candidates)[0]
        else:
            decision = await self.scorer.routed(query, weight, candidates.models, counts=counts)
        steps = len(decision.fallbacks) if self.router.is_cascade else 0
        kept = not steps and conversation is not None and conversation.keeps(candidates, decision.model)
        first = (conversation.model,) if kept and conversation is not None else ()
        return Choice(
            strategy=self.name, models=_order(decision, ranked, first), decision=decision, cost_weight=weight,
            steps=steps, kept=kept,
        )  # fmt: skip

    async def _candidates(
        self, query: Query, extras: Extras, cost_weight: float, conversation: Conversation | None = None
    ) -> Candidates:
        """What the rule decides on. ApiError when no model is allowed, or none fits the request's budget."""
        row = await self.scorer.scored(query)
        columns = self._columns(extras, row.costs_usd, modalities_of(query))
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
            cost_reference_usd=self.router.cost_per_score_usd,
            cost_weight=cost_weight if self.router.has_dial else 0.0,
        )

    async def stands(self, query: Query, call: Call, cost_weight: float, pool: ModelPool, ledger: Ledger) -> bool:
        """Whether a cascade lets the reply stand. One that asks `pool` about it charges that to `ledger`."""
        confidence = await self.router.trust(query, call, pool, ledger)
        return bool(self.router.accepts([query], np.array([confidence]), cost_weight)[0])

    def cost(self, decision_id: str, cost_usd: float) -> None:
        """Tell a router that learns while it serves what a decision came to, off the loop; others do not listen."""
        if isinstance(self.router, Online):
            with suppress(RuntimeError):  # it is being closed
                self.scorer.tell(self.router, decision_id, None, cost_usd)

    async def rated(self, decision_id: str, quality: float) -> None:
        """The same for feedback. When this returns it is in the file and may be acknowledged."""
        if isinstance(self.router, Online):
            await asyncio.wrap_future(self.scorer.tell(self.router, decision_id, quality, None))

    def _columns(self, extras: Extras, costs_usd: np.ndarray, modalities: Sequence[str]) -> list[int]:
        allowed = tuple(model for model in self.models if takes(self._specs[model].capabilities, modalities))
        if not allowed:
            message = f"no model of this router takes {' and '.join(modalities)}: {', '.join(self.models)}"
            raise ApiError(400, message, code="modality_not_supported", param="messages")
        if extras.allowed_models is not None:
            known = ", ".join(allowed)
            allowed = tuple(model for model in allowed if model in extras.allowed_models)
            if not allowed:
                message = f"allowed_models names no model of this router that takes the request: {known}"
                raise ApiError(400, message, param="allowed_models")
        columns = [self.router.models_.index(model) for model in allowed]
        if extras.budget_usd is None:
            return columns
        fitting = [j for j in columns if not costs_usd[j] > extras.budget_usd]
        if not fitting:
            least = float(np.nanmin(costs_usd[columns]))
            message = f"the cheapest allowed model will cost about {least:.6f} USD, over budget_usd"
            raise ApiError(400, message, code="over_budget", param="budget_usd")
        return columns if self.router.is_cascade else fitting  # a cascade watches what is left before each call

    def close(self) -> None:
        self.scorer.close()


def _order(decision: Decision, ranked: Sequence[str], first: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Who is asked, in turn: the choice, what its rule would fall back on, then the others by utility."""
    return tuple(dict.fromkeys((*first, decision.model, *decision.fallbacks, *ranked)))
