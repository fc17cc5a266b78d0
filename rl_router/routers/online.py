"""A router that keeps learning while it serves: what another router expects, and a bandit on what that leaves.

Fitted, it decides as its base does, and now and then tries something else. Once `attach` has given it a file of
outcomes, it learns from every grade and every bill that is said in that file, by whichever worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field

from rl_router.data.modalities import marked
from rl_router.errors import DataError, RecipeError
from rl_router.online import choice
from rl_router.online.learner import Memory
from rl_router.online.live import Live, Outcomes
from rl_router.online.store import Decided, OutcomeStore
from rl_router.routers.ensemble import AnyRouter
from rl_router.routers.features import Features, dense, make_features, unit_rows
from rl_router.routers.knn import Knn
from rl_router.routers.learned import learned
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.routers.rule import Candidates, columns_of
from rl_router.routers.seeded import generator, uniform
from rl_router.types import Decision, Query


@dataclass(frozen=True, kw_only=True)
class NewModel:
    """A model that the table does not have, by what is expected of it (`rl_router.online.prior`)."""

    name: str
    quality: Annotated[float, Field(ge=0.0, le=1.0)]
    cost_usd: Annotated[float, Field(ge=0.0)]
    trust: Annotated[float, Field(gt=0.0)] = 2.0
    """κ: that expectation counts as much as so many outcomes."""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What a router makes of some queries before it has learned anything online."""

    rows: dict[tuple[str, ...], int]
    contexts: np.ndarray  # [n, d]
    expected: np.ndarray  # [n, m] scores
    costs_usd: np.ndarray  # [n, m]

    def of(self, queries: Sequence[Query]) -> _Seen:
        here = [self.rows[_key(query)] for query in queries]
        return _Seen(
            rows={}, contexts=self.contexts[here], expected=self.expected[here], costs_usd=self.costs_usd[here]
        )


def _key(query: Query) -> tuple[str, ...]:
    """All of a query that a base may read."""
    return query.query_id, query.text, query.task, str(query.meta.get("user", ""))


@dataclass(kw_only=True)
class Online(Router):
    """score_j(q) = base_j(q) + θ_j · x(q), and a choice by `algorithm` on score_j and its deviation √(xᵀ A_j⁻¹ x).

    x is the query's vector less the mean of the table's, of length 1, with a constant. The propensity of a decision is
    the exact chance that it had. Thompson's choice does not fall in cost with every rise of the cost weight, as the
    other two do, because a draw is a draw.
    """

    kind: Literal["online"] = "online"
    base: AnyRouter = field(default_factory=Knn)
    features: str = "lsa-chars:32"
    algorithm: Literal["lin_ucb", "thompson", "epsilon_greedy"] = "lin_ucb"
    exploration: Annotated[float, Field(ge=0.0)] = 0.3
    """By how many deviations an unsure model is favoured; the noise of right and wrong answers is at most 0.5."""
    floor: Annotated[float, Field(ge=0.0, le=1.0)] = 0.02
    memory: Memory = field(default_factory=Memory)
    new_models: tuple[NewModel, ...] = ()
    seed: int = 0
    base_: Router = learned()
    features_: Features = learned()
    centre_: np.ndarray = learned("d")

    def _fit(self, observed: Observations) -> None:
        self.base_ = replace(self.base).fit_observed(observed)
        self.features_ = make_features(self.features).fit(observed.texts)
        self.centre_ = unit_rows(dense(self.features_(observed.texts))).mean(axis=0)
        self._join(self.new_models)

    def with_models(self, *models: NewModel) -> Self:
        """The same router with more models to choose from; nothing is fitted. RecipeError for a name it has already."""
        self._check_fitted()
        taken = [model.name for model in models if model.name in self.models_]
        if taken:
            raise RecipeError(f"this router has a model {taken[0]!r} already")
        grown = self.copied(new_models=(*self.new_models, *models))
        grown._join(models)
        return grown

    def attach(self, outcomes: Path | str | Outcomes) -> Self:
        """Learn from the outcomes in the file at that path, and keep every decision in it, from now on."""
        self._check_fitted()
        trust = {model.name: model.trust for model in self.new_models}
        store = OutcomeStore(outcomes) if isinstance(outcomes, Path | str) else outcomes
        self._live = Live(store, memory=self.memory, d=len(self.centre_), trust=trust)
        return self

    @property
    def live(self) -> Live:
        """What is learned while it serves. DataError before `attach`."""
        live: Live | None = self.__dict__.get("_live")
        if live is None:
            raise DataError("this router is attached to no file of outcomes: call attach(path) first")
        return live

    def outcome(self, decision_id: str, *, quality: float | None = None, cost_usd: float | None = None) -> None:
        """Say what came of the decision on the query of that id, in any order, each once, at any time.

        When this returns it is in the file. DataError for a decision that nobody made.
        """
        self.live.store.happened(decision_id, quality=quality, cost_usd=cost_usd)

    def route(
        self, queries: Sequence[Query], *, cost_weight: float = 0.0, models: Sequence[str] | None = None
    ) -> list[Decision]:
        """As every router does. Attached, it keeps the decisions under their `query_id`, which must then be new."""
        decisions = self.considered(queries, cost_weight=cost_weight, models=models)
        if "_live" in self.__dict__:
            queries = list(map(marked, queries))
            seen = self._looked_at(queries)
            kept = map(self._kept, queries, seen.contexts, seen.expected, seen.costs_usd, decisions)
            self._live.store.decided(list(kept))
        return decisions

    def considered(
        self, queries: Sequence[Query], *, cost_weight: float = 0.0, models: Sequence[str] | None = None
    ) -> list[Decision]:
        """What `route` would decide, which nobody acts on: it is not kept, and no outcome of it will come."""
        if "_live" in self.__dict__:
            self._live.catch_up()
        return super().route(queries, cost_weight=cost_weight, models=models)

    def decide(self, candidates: Candidates) -> list[Decision]:
        contexts = self._looked_at(candidates.queries).contexts
        return [self._decide(candidates, i, contexts[i]) for i in range(len(contexts))]

    def choose(self, candidates: Candidates) -> np.ndarray:
        return columns_of(self.decide(candidates), candidates.models)

    def _decide(self, candidates: Candidates, i: int, x: np.ndarray) -> Decision:
        query, means = candidates.queries[i], candidates.utility[i]
        deviations = self._gains(candidates.models, x)[1]
        if uniform(self.seed, "explore", query.query_id, query.text) < self.floor:
            chosen = int(len(means) * uniform(self.seed, "which", query.query_id, query.text))
            reason = "explored"
        else:
            rng = generator(self.seed, "draw", query.query_id, query.text)
            chosen = choice.draw(self._chances(means, deviations, query, floor=0.0), rng)
            reason = self.algorithm
        chances = self._chances(means, deviations, query, floor=self.floor)
        return candidates.decision(i, chosen, reason, chances=chances)

    def _chances(self, means: np.ndarray, deviations: np.ndarray, query: Query, *, floor: float) -> np.ndarray:
        """[m]"""
        if self.algorithm == "epsilon_greedy":
            return choice.epsilon_greedy(means, deviations, floor=floor)
        if self.algorithm == "lin_ucb":
            return choice.lin_ucb(means, deviations, exploration=self.exploration, floor=floor)
        rng = generator(self.seed, "posterior", query.query_id, query.text)
        return choice.thompson(means, deviations, exploration=self.exploration, floor=floor, rng=rng)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        seen = self._looked_at(queries)
        if "_live" not in self.__dict__:
            return seen.expected
        return seen.expected + [self._gains(self.models_, x)[0] for x in seen.contexts]

    def _costs_usd(self, queries: Sequence[Query]) -> np.ndarray:
        costs = self._looked_at(queries).costs_usd
        if "_live" in self.__dict__:
            costs = costs * [self._live.learner.cost_ratio(model) for model in self.models_]
        return costs

    def look_ahead(self, queries: Sequence[Query]) -> Self:
        """Compute now, all at once, what does not change while it learns; for a stream that is known beforehand."""
        self._looked_at(list(map(marked, queries)))
        return self

    def copied(self, **changes: Any) -> Self:
        other = super().copied(**changes)
        if "_seen" in self.__dict__ and "new_models" not in changes:
            other._seen = self._seen  # it hangs on what was learned alone
        return other

    def _looked_at(self, queries: Sequence[Query]) -> _Seen:
        """Computed once for what is asked again at once: scoring, deciding and keeping are of the same queries."""
        seen: _Seen | None = self.__dict__.get("_seen")
        if seen is None or any(_key(query) not in seen.rows for query in queries):
            seen = self._seen = self._look(queries)
        return seen.of(queries)

    def _look(self, queries: Sequence[Query]) -> _Seen:
        texts = {text: i for i, text in enumerate(dict.fromkeys(query.text for query in queries))}
        return _Seen(
            rows={_key(query): i for i, query in enumerate(queries)},
            contexts=self._contexts(list(texts))[[texts[query.text] for query in queries]],
            expected=self._expected(queries),
            costs_usd=self.cost_model_.costs_usd(queries),
        )

    def _expected(self, queries: Sequence[Query]) -> np.ndarray:
        known = self.base_.scores(queries)
        new = np.tile([model.quality for model in self.new_models], (len(queries), 1))
        names = [*self.base_.models_, *(model.name for model in self.new_models)]
        return np.asarray(np.hstack([known, new])[:, [names.index(model) for model in self.models_]])

    def _contexts(self, texts: Sequence[str]) -> np.ndarray:
        vectors = unit_rows(dense(self.features_(texts)))
        return unit_rows(vectors - self.centre_).astype(np.float32)

    def _gains(self, models: Sequence[str], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[m], [m]"""
        if "_live" in self.__dict__:
            return self._live.learner.gains(models, x)
        trust = np.array([self._trust(model) for model in models])
        return np.zeros(len(models)), np.sqrt((x @ x + 1.0) / trust)

    def _trust(self, model: str) -> float:
        return next((new.trust for new in self.new_models if new.name == model), self.memory.ridge)

    def _kept(
        self, query: Query, x: np.ndarray, expected: np.ndarray, costs: np.ndarray, decision: Decision
    ) -> Decided:
        """`expected` and `costs` [m] as they would be without what was learned online."""
        j = self.models_.index(decision.model)
        return Decided(
            decision_id=query.query_id,
            model=decision.model,
            propensity=decision.propensity,
            features=x,
            expected_quality=float(expected[j]),
            expected_cost_usd=float(np.nan_to_num(costs[j])),
        )

    def _join(self, models: Sequence[NewModel]) -> None:
        """Give the columns of `models` their places among the learned values."""
        names = [*self.models_, *(model.name for model in models)]
        order = np.argsort(names)
        self.models_ = tuple(names[i] for i in order)
        self.mean_scores_ = np.append(self.mean_scores_, [model.quality for model in models])[order]
        self.mean_costs_usd_ = np.append(self.mean_costs_usd_, [model.cost_usd for model in models])[order]
        self.cost_model_ = self.cost_model_.with_constants([model.cost_usd for model in models], order)

    def _restored(self) -> None:
        if {*self.base_.models_, *(model.name for model in self.new_models)} != set(self.models_):
            raise ValueError("its base does not fit its models")
        if self.features_.size != len(self.centre_):
            raise ValueError("its features do not fit their mean")
