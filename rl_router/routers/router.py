"""The contract of every router: hyper-parameters in, `fit` on a routing table, then scores, costs and decisions.

It is scikit-learn's: the dataclass's fields are the hyper-parameters (and the schema of its recipe), `fit` returns the
router and learns attributes that end in `_`, fitting again forgets. A subclass writes `_fit` and `_scores`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self, cast

import numpy as np

from rl_router.data.modalities import marked
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError, NotFittedError, PoolError, RecipeError, UnknownModelError
from rl_router.pool.spec import ModelSpec
from rl_router.routers import folder as folders
from rl_router.routers.cascade import Cascade, Judged, follow
from rl_router.routers.cost_model import CostModel
from rl_router.routers.dial import Calibration, read_calibration, write_calibration
from rl_router.routers.learned import Learned, learned
from rl_router.routers.observations import Observations
from rl_router.routers.rule import Candidates, Rule
from rl_router.routers.rules import Argmax
from rl_router.types import Call, Decision, Query

if TYPE_CHECKING:
    from rl_router.pool.ledger import Ledger
    from rl_router.pool.pool import ModelPool

DECIMALS = 6
"""Scores are rounded to a millionth, far below what a table can tell apart: scores that are equal but for the order of
a sum stay equal, whatever the batch."""


@dataclass(kw_only=True)
class Router(Learned, ABC):
    """A scorer with a cost model and a selection rule. `models_`, sorted by name, are the columns of every matrix.

    A decision names one model, and in `fallbacks` the next ones. Of most routers those are only for calls that fail. Of
    a cascade (`is_cascade`) they are for replies that are not trusted too: `confidence` judges a reply, `accepts` says
    whether it may stand. `chain` plays that on recorded replies, `answering.answer` on a pool; every call is paid.
    """

    has_dial: ClassVar[bool] = True
    """False for a fixed choice that a cost weight does not move."""

    models_: tuple[str, ...] = learned()
    mean_scores_: np.ndarray = learned("m")
    mean_costs_usd_: np.ndarray = learned("m", unknown=True)
    cost_model_: CostModel = learned()
    cost_reference_usd_: float | None = learned()
    quality_per_score_: float = learned()
    """1 where scores are qualities. A router that learned from preferences scores by shares of models beaten."""
    rule_: Rule = learned()
    calibration_: Calibration | None = field(default=None, init=False, repr=False, compare=False)
    """Where people set its dial, if they did. `route` does what it is told; `named.open_router` goes by this."""

    @classmethod
    def of_kind(cls, kind: str | None) -> type[Router]:
        from rl_router.routers.registry import router_class

        return router_class(str(kind))

    def fit(
        self,
        table: RoutingTable,
        *,
        rule: Rule | None = None,
        prices: Iterable[ModelSpec] = (),
        quality_per_score: float = 1.0,
    ) -> Self:
        """Learn from every graded row. `prices` replace recorded costs wherever tokens are recorded;
        `quality_per_score` is what the table's learner says of its scores.

        Raises DataError when the table holds nothing to learn from, RecipeError for a hyper-parameter out of range.
        """
        self.forget()
        observed = Observations.of(table, prices, quality_per_score=quality_per_score)
        return self.fit_observed(observed, rule=rule)

    def fit_observed(self, observed: Observations, *, rule: Rule | None = None) -> Self:
        """`fit` on what has been read from a table already."""
        self.check_parameters()
        self.forget()
        try:
            self.models_ = observed.models
            self.mean_scores_, self.mean_costs_usd_ = observed.mean_scores, observed.mean_costs_usd
            self.cost_model_ = CostModel().fit(observed)
            self.cost_reference_usd_ = observed.cost_reference_usd
            self.quality_per_score_ = observed.quality_per_score
            self._fit(observed)
            self.rule_ = (rule or Argmax()).fit(observed, self)
        except BaseException:
            self.forget()  # half of a fit is none
            raise
        return self

    def scores(self, queries: Sequence[Query]) -> np.ndarray:
        """[n, m] predicted quality in [0, 1]."""
        self._check_fitted()
        _check_queries(queries)
        return self._rounded_scores(list(map(marked, queries)))

    def costs_usd(self, queries: Sequence[Query]) -> np.ndarray:
        """[n, m] predicted cost of a call in USD, NaN for a model whose cost was never recorded."""
        self._check_fitted()
        _check_queries(queries)
        return self._costs_usd(list(map(marked, queries)))

    def route(
        self, queries: Sequence[Query], *, cost_weight: float = 0.0, models: Sequence[str] | None = None
    ) -> list[Decision]:
        """A decision per query, among `models` if given. `cost_weight` is in units of quality per
        `cost_reference_usd_`: at 1, a call as dear as one to the strongest model must be better by 1 to be worth it."""
        return self.decide(self.candidates(queries, cost_weight=cost_weight, models=models))

    def decide(self, candidates: Candidates) -> list[Decision]:
        """What `route` makes of the candidates: what the rule does."""
        return self.rule_.decide(candidates)

    def choose(self, candidates: Candidates) -> np.ndarray:
        """[n] the column that each decision names first, for whoever needs no more of it."""
        return self.rule_.choose(candidates)

    def candidates(
        self, queries: Sequence[Query], *, cost_weight: float = 0.0, models: Sequence[str] | None = None
    ) -> Candidates:
        """What the rule decides on. `dataclasses.replace` it with another cost weight to turn the dial at no cost."""
        self._check_fitted()
        _check_queries(queries)
        if not 0 <= cost_weight < math.inf:
            raise RecipeError(f"expected a cost_weight of zero or more, got {cost_weight:g}")
        queries = list(map(marked, queries))
        columns = self._columns(models)
        candidates = Candidates(
            queries=queries,
            models=tuple(self.models_[j] for j in columns),
            scores=self._rounded_scores(queries)[:, columns],
            costs_usd=self._costs_usd(queries)[:, columns],
            cost_reference_usd=self.cost_per_score_usd,
            cost_weight=cost_weight if self.has_dial else 0.0,
        )
        if candidates.cost_weight > 0:
            self._check_priced(candidates)
        return candidates

    @property
    def cost_per_score_usd(self) -> float:
        """The cost that weighs as much as a score of 1 at a cost weight of 1: what `Candidates` measure costs by."""
        return (self.cost_reference_usd_ or 1.0) * self.quality_per_score_

    @property
    def is_cascade(self) -> bool:
        return self.rule_.is_cascade

    @property
    def asks_to_judge(self) -> bool:
        """Whether a reply can only be judged by more calls (`trust`), and not by its words (`confidence`)."""
        return self.verdicts > 0

    @property
    def verdicts(self) -> int:
        """Calls that it takes to judge a reply."""
        return 0

    def confidence(self, queries: Sequence[Query], models: Sequence[str], replies: Sequence[str]) -> np.ndarray:
        """[n] how far each model's reply to each query is trusted, in [0, 1]. Only a cascade doubts."""
        rule = self.rule_
        if not isinstance(rule, Cascade):
            return np.ones(len(queries))
        return rule.verifier_.confidence(queries, models, replies)

    def accepts(self, queries: Sequence[Query], confidence: np.ndarray, cost_weight: float = 0.0) -> np.ndarray:
        """[n] whether a reply that is trusted this far may be the answer, so that no other model is asked."""
        self._check_fitted()
        rule = self.rule_
        return np.asarray(confidence) >= rule.accept if isinstance(rule, Cascade) else np.full(len(queries), True)

    async def trust(self, query: Query, call: Call, pool: ModelPool, ledger: Ledger) -> float:
        """`confidence` in a reply that just came. A router that asks `pool` about it charges that to `ledger`."""
        return float(self.confidence([query], [call.model], [call.reply.text])[0])

    def recorded_confidence(
        self, queries: Sequence[Query], models: Sequence[str], table: RoutingTable
    ) -> list[float | None]:
        """[n] `confidence` in what `table` records of each model's reply to each query; None where it has no reply."""
        cells = [table.cell(query.query_id, model) for query, model in zip(queries, models, strict=True)]
        texts = [None if cell is None else cell.response for cell in cells]
        known = [i for i, text in enumerate(texts) if text is not None]
        found: list[float | None] = [None] * len(texts)
        if known:
            replies = [text for text in texts if text is not None]
            judged = self.confidence([queries[i] for i in known], [models[i] for i in known], replies)
            for i, value in zip(known, judged.tolist(), strict=True):
                found[i] = value
        return found

    def chain(
        self,
        queries: Sequence[Query],
        table: RoutingTable,
        cost_weight: float = 0.0,
        judged: Judged | None = None,
    ) -> list[list[str]]:
        """The models that would have been asked in turn for each query, by what `table` records: one, but in a cascade.

        Only models of the table are considered. Pass the same `judged` again to judge no reply twice.
        """
        known = [model for model in self.models_ if model in table.models]
        decisions = self.route(queries, cost_weight=cost_weight, models=known)
        if not self.is_cascade:
            return [[decision.model] for decision in decisions]
        return follow(self, decisions, queries, table, cost_weight, {} if judged is None else judged)

    def chain_at(self, queries: Sequence[Query], table: RoutingTable) -> Callable[[float], list[list[str]]]:
        """`chain` at any cost weight: queries are scored once for all of them, and a reply is judged once."""
        if self.is_cascade:
            judged: Judged = {}
            return lambda cost_weight: self.chain(queries, table, cost_weight, judged)
        scored = self.candidates(queries, models=[model for model in self.models_ if model in table.models])

        def at(cost_weight: float) -> list[list[str]]:
            candidates = replace(scored, cost_weight=cost_weight if self.has_dial else 0.0)
            if candidates.cost_weight > 0:
                self._check_priced(candidates)
            return [[candidates.models[j]] for j in self.choose(candidates)]

        return at

    def judging_usd(self, queries: Sequence[Query], table: RoutingTable, cost_weight: float = 0.0) -> np.ndarray:
        """[n] what is paid beside the calls of `chain` for having replies judged: nothing where their words do."""
        return np.zeros(len(queries))

    def save(self, folder: Path | str) -> None:
        """JSON and safetensors in `folder`, whole or not at all."""
        self._check_fitted()
        folders.save(self, Path(folder))

    def _write_files(self, folder: Path) -> None:
        if self.calibration_ is not None:
            write_calibration(folder, self.calibration_)

    @abstractmethod
    def _fit(self, observed: Observations) -> None:
        """Set every learned field of the subclass. `models_` and the cost model are there already."""

    @abstractmethod
    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        """[n, m] predicted quality; values beyond [0, 1] are clipped. The order of `queries` must not matter."""

    def _costs_usd(self, queries: Sequence[Query]) -> np.ndarray:
        return self.cost_model_.costs_usd(queries)

    def _rounded_scores(self, queries: Sequence[Query]) -> np.ndarray:
        return np.round(np.clip(np.asarray(self._scores(queries), dtype=np.float64), 0.0, 1.0), DECIMALS)

    def _check_fitted(self) -> None:
        if not self.is_fitted:
            raise NotFittedError(
                f"this {type(self).__name__} is not fitted: call fit(table), or load one with load_router"
            )

    def _columns(self, models: Sequence[str] | None) -> list[int]:
        if models is None:
            return list(range(len(self.models_)))
        unknown = sorted(set(models) - set(self.models_))
        if unknown or not models:
            wanted = f"does not know {unknown[0]!r}" if unknown else "needs at least one model to choose from"
            raise UnknownModelError(f"this router {wanted}; it was fitted on {', '.join(self.models_)}")
        return sorted({self.models_.index(model) for model in models})

    def _check_priced(self, candidates: Candidates) -> None:
        unpriced = np.isnan(candidates.costs_usd).any(axis=0)
        if unpriced.any() or self.cost_reference_usd_ is None:
            names = [candidates.models[j] for j in np.flatnonzero(unpriced)] or ["the strongest model"]
            some = f"{', '.join(names[:3])}{' and others' if len(names) > 3 else ''}"
            raise PoolError(
                f"cost_weight = {candidates.cost_weight:g} needs the price of every model, and the table that this"
                f" router was fitted on records no cost for {some}: use cost_weight 0, or fit on a table with costs, or"
                " on one with token counts and the prices of a pool"
            )


def load_router(folder: Path | str) -> Router:
    """The router that `save` wrote, with its calibration if it has one. CheckpointError, in one sentence, when the
    folder is not whole or was tampered with; nothing in it is executed."""
    router = cast(Router, folders.load(Router, Path(folder)))  # type: ignore[type-abstract]
    router.calibration_ = read_calibration(Path(folder), router)
    return router


def _check_queries(queries: Sequence[Query]) -> None:
    if not queries:
        raise DataError("expected at least one query, got none")
    for number, query in enumerate(queries, start=1):
        if not query.text.strip():
            raise DataError(f"query {number} of {len(queries)} ({query.query_id!r}) is an empty text; leave it out")
