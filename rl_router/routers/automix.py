"""AutoMix: the small model answers, its answer is verified, and a meta-verifier decides whether to ask the large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
import polars as pl
from pydantic import Field

from rl_router.data.table import RoutingTable
from rl_router.errors import DataError, RecipeError
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.routers.learned import learned
from rl_router.routers.meta_verifier import GRID, Beliefs, best_threshold, expected_scores, learn_beliefs
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.routers.rule import Candidates, columns_of
from rl_router.routers.seeded import uniform
from rl_router.routers.self_verification import CONFIDENCE, VERDICTS_USD, self_confidence
from rl_router.routers.verifier import ReplyVerifier
from rl_router.types import Call, Decision, Query


@dataclass(kw_only=True)
class AutoMix(Router):
    """Ask the large model when E[score of the large − score of the small | confidence] > cost weight × relative cost.

    AutoMix (arXiv 2310.12963), section 3. The confidence in the small model's answer is the share of its own verdicts
    (`verifier: self`: the column self_verification of the table, asked for live when serving) or, for tables that
    record answers and no verdicts, the score that the answer's words predict (`verifier: replies`), out of fold where
    it is fitted. `meta: pomdp` weighs it by Bayes' rule over what both models score; `meta: threshold` asks the large
    model below the confidence at which that paid best on the table.

    A query alone tells AutoMix nothing, so its scores are the models' mean scores. It is a cascade by itself, whose
    rule is the argmax of what it can do, let an answer stand or pay for the large model's. Its decision is the small
    model with the large one as fallback. The small model is the cheapest and the large the best of the table unless
    they are named.
    """

    kind: Literal["automix"] = "automix"
    verifier: Literal["self", "replies"] = "replies"
    meta: Literal["pomdp", "threshold"] = "pomdp"
    small: str | None = None
    large: str | None = None
    samples: Annotated[int, Field(ge=1)] = 8
    levels: Annotated[int, Field(ge=2)] = 2
    bandwidth: Annotated[float, Field(gt=0.0)] = 0.1
    seed: int = 0
    small_: str = learned()
    large_: str = learned()
    verifier_: ReplyVerifier | None = learned()
    evidence_: np.ndarray = learned("n 4")  # confidence, score of the small, score of the large, its relative cost

    def _fit(self, observed: Observations) -> None:
        self.small_, self.large_ = self._choose_pair(observed)
        self.verifier_ = None
        if self.verifier == "replies":
            self.verifier_ = ReplyVerifier().fit(_own_answers(observed.table, self.small_))
        self.evidence_ = self._evidence(observed)

    def decide(self, candidates: Candidates) -> list[Decision]:
        """The small model, and the large one to turn to unless no confidence would justify its price. Where the
        candidates lack one of the two, the rule decides among the rest."""
        decisions = super().decide(candidates)
        if not {self.small_, self.large_} <= set(candidates.models):
            return decisions
        reason = f"first {self.small_}, then {self.large_} unless the answer is trusted"
        alone = f"{self.small_}: no doubt about it would be worth the price of {self.large_}"
        return [
            replace(
                decision, model=self.small_, fallbacks=(self.large_,) if hope else (), reason=reason if hope else alone
            )
            for decision, hope in zip(decisions, self._may_ask(candidates.queries, candidates.cost_weight), strict=True)
        ]

    def choose(self, candidates: Candidates) -> np.ndarray:
        return columns_of(self.decide(candidates), candidates.models)

    @property
    def is_cascade(self) -> bool:
        return True

    @property
    def verdicts(self) -> int:
        return self.samples if self.verifier == "self" else 0

    def confidence(self, queries: Sequence[Query], models: Sequence[str], replies: Sequence[str]) -> np.ndarray:
        """[n] by the words of the replies. RecipeError with `verifier: self`, whose verdicts must be asked for."""
        self._check_fitted()
        if self.verifier_ is None:
            raise RecipeError("this AutoMix has its answers judged by the model itself: await trust(…) with a pool")
        return self.verifier_.confidence(queries, models, replies)

    def accepts(self, queries: Sequence[Query], confidence: np.ndarray, cost_weight: float = 0.0) -> np.ndarray:
        """[n] whether an answer of the small model, trusted this far, may stand."""
        self._check_fitted()
        return ~self._asks(queries, np.asarray(confidence, dtype=np.float64), cost_weight)

    async def trust(self, query: Query, call: Call, pool: ModelPool, ledger: Ledger) -> float:
        if self.verifier_ is not None:
            return await super().trust(query, call, pool, ledger)
        answer = call.reply.text
        share, _ = await self_confidence(pool, call.model, query, answer, samples=self.samples, ledger=ledger)
        return share

    def recorded_confidence(
        self, queries: Sequence[Query], models: Sequence[str], table: RoutingTable
    ) -> list[float | None]:
        """By the recorded verdicts of the small model on its own answers, or by the words of these."""
        if self.verifier_ is not None:
            return super().recorded_confidence(queries, models, table)
        known = _recorded(table, self.small_)
        return [known.get(query.query_id) for query in queries]

    def judging_usd(self, queries: Sequence[Query], table: RoutingTable, cost_weight: float = 0.0) -> np.ndarray:
        """Of the small model's verdicts. One whose cost is not recorded counts as much as the answer that it judges."""
        if self.verifier_ is not None or not {self.small_, self.large_} <= set(table.models):
            return super().judging_usd(queries, table, cost_weight)
        ids, unknown = [query.query_id for query in queries], np.full(len(queries), np.nan)
        recorded = VERDICTS_USD in table.frame.columns
        verdicts = table.matrix(VERDICTS_USD, ids, [self.small_])[:, 0] if recorded else unknown
        answers = table.matrix("cost_usd", ids, [self.small_])[:, 0]
        usd = np.where(np.isnan(verdicts), self.samples * answers, verdicts)
        return np.where(self._may_ask(queries, cost_weight), usd, 0.0)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        return np.tile(self.mean_scores_, (len(queries), 1))

    def _asks(self, queries: Sequence[Query], confidence: np.ndarray, cost_weight: float) -> np.ndarray:
        """[n] whether the large model is expected to gain more than its price."""
        if self.meta == "threshold":
            return confidence < self._threshold(cost_weight)
        small, large = expected_scores(self._beliefs, confidence)
        return large - small > self._prices(queries, cost_weight)

    def _may_ask(self, queries: Sequence[Query], cost_weight: float) -> np.ndarray:
        """[n] whether there is a confidence at which the large model would be asked."""
        if self.meta == "threshold":
            return np.full(len(queries), self._threshold(cost_weight) > 0)
        small, large = expected_scores(self._beliefs, GRID)
        return (large - small).max() > self._prices(queries, cost_weight)

    def _threshold(self, cost_weight: float) -> float:
        confidence, small, large, relative_cost = self.evidence_.T
        return best_threshold(confidence, large - small - cost_weight * relative_cost)

    def _prices(self, queries: Sequence[Query], cost_weight: float) -> np.ndarray:
        """[n] the price of a call to the large model in units of quality."""
        if cost_weight == 0:
            return np.zeros(len(queries))
        usd = self._costs_usd(queries)[:, self.models_.index(self.large_)]
        return cost_weight * usd / (self.cost_reference_usd_ or 1.0)

    def _choose_pair(self, observed: Observations) -> tuple[str, str]:
        for name, model in (("small", self.small), ("large", self.large)):
            if model is not None and model not in observed.models:
                raise RecipeError(f"{name}={model} is no model of the table; it has {', '.join(observed.models)}")
        large = self.large or observed.models[int(observed.mean_scores.argmax())]
        others = [model for model in observed.models if model != large]
        if not others:
            raise DataError(f"AutoMix needs two models, and the {observed.table.where} has one; choose another table.")
        costs = dict(zip(observed.models, np.nan_to_num(observed.mean_costs_usd, nan=np.inf), strict=True))
        small = self.small or min(others, key=lambda model: (costs[model], model))
        if small == large:
            raise RecipeError(f"small and large are both {small}; AutoMix needs two models")
        return small, large

    def _confidences(self, observed: Observations) -> dict[str, float]:
        """By query id, as they would be for an answer that the verifier has not seen."""
        if self.verifier == "self":
            return _recorded(observed.table, self.small_)
        halves: tuple[list[str], list[str]] = ([], [])
        for query in observed.queries:
            halves[uniform(self.seed, query.query_id) < 0.5].append(query.query_id)
        found: dict[str, float] = {}
        for seen, unseen in (halves, halves[::-1]):
            judge = ReplyVerifier().fit(_own_answers(observed.table, self.small_, seen))
            found |= _judged(judge, _own_answers(observed.table, self.small_, unseen).table, self.small_)
        return found

    def _evidence(self, observed: Observations) -> np.ndarray:
        """[n, 4] of the queries on which everything but the cost is known; an unknown cost is the mean one."""
        known = self._confidences(observed)
        confidence = np.array([known.get(query.query_id, np.nan) for query in observed.queries])
        small, large = (observed.models.index(model) for model in (self.small_, self.large_))
        cost = observed.costs_usd[:, large] / (observed.cost_reference_usd or 1.0)
        cost = np.where(np.isnan(cost), 0.0 if np.isnan(cost).all() else np.nanmean(cost), cost)
        rows = np.stack([confidence, observed.scores[:, small], observed.scores[:, large], cost], axis=1)
        rows = rows[~np.isnan(rows).any(axis=1)]
        if not len(rows):
            raise DataError(
                f"AutoMix learns from queries on which {self.small_} answered and both it and {self.large_} were"
                f" graded; the {observed.table.where} has none."
            )
        return rows

    @cached_property
    def _beliefs(self) -> Beliefs:
        confidence, small, large, _ = self.evidence_.T
        return learn_beliefs(confidence, small, large, levels=self.levels, bandwidth=self.bandwidth)

    def _restored(self) -> None:
        if not {self.small_, self.large_} <= set(self.models_):
            raise ValueError(f"{self.small_!r} and {self.large_!r} are not both models of the router")
        if self.evidence_[:, :3].min() < 0 or self.evidence_[:, :3].max() > 1:
            raise ValueError("a confidence or a score lies outside 0..1")
        if (self.verifier == "replies") != (self.verifier_ is not None):
            raise ValueError(f"verifier {self.verifier} does not fit what was learned")


def _own_answers(table: RoutingTable, model: str, query_ids: Sequence[str] | None = None) -> Observations:
    """The graded answers of `model` alone, to these queries."""
    rows = (pl.col("model") == model) & pl.col("score").is_not_null() & pl.col("response").is_not_null()
    if query_ids is not None:
        rows &= pl.col("query_id").is_in(query_ids)
    frame = table.frame.filter(rows)
    if frame.is_empty():
        raise DataError(
            f"AutoMix judges recorded answers, and the {table.where} has too few graded ones of {model}; choose a table"
            f" with responses, or record verdicts in a column {CONFIDENCE} and use verifier=self."
        )
    return Observations.of(RoutingTable(frame, where=table.where))


def _judged(verifier: ReplyVerifier, table: RoutingTable, model: str) -> dict[str, float]:
    """The confidence in each recorded answer of `model`, by query id."""
    frame = table.frame.filter((pl.col("model") == model) & pl.col("response").is_not_null()).sort("query_id")
    asked = RoutingTable(frame, where=table.where).queries()
    if not asked:
        return {}
    found = verifier.confidence(asked, [model] * len(asked), frame["response"].to_list())
    return dict(zip(frame["query_id"], found.tolist(), strict=True))


def _recorded(table: RoutingTable, model: str) -> dict[str, float]:
    """The recorded share of verdicts in favour of each answer of `model`, by query id."""
    if CONFIDENCE not in table.frame.columns:
        raise DataError(
            f"AutoMix with verifier=self reads the column {CONFIDENCE}, which the {table.where} lacks; record it with"
            " with_self_verification, or use verifier=replies."
        )
    frame = table.frame.filter((pl.col("model") == model) & pl.col(CONFIDENCE).is_not_null())
    return dict(zip(frame["query_id"], frame[CONFIDENCE].cast(pl.Float64).to_list(), strict=True))
