"""Several routers as one: the mean of their scores, or a stack whose weights are learned on queries they did not see.

Stacking: Wolpert 1992, "Stacked generalization", with the non-negative weights of Breiman 1996, "Stacked regressions".
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, PlainSerializer, PlainValidator
from scipy.optimize import nnls

from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.knn import Knn
from rl_router.routers.learned import adapter, dumped_parameters, learned
from rl_router.routers.observations import Observations
from rl_router.routers.registry import router_class
from rl_router.routers.router import Router
from rl_router.routers.svm import Svm
from rl_router.types import Query

MOST_ASKED = 6000
"""Queries that stacking asks its members: enough for a few weights, where asking all of a large table takes hours."""


def parse_router(value: Any) -> Router:
    """A router of its hyper-parameters `{kind: knn, k: 5}`; a router stays what it is."""
    if isinstance(value, Router):
        return value
    if not isinstance(value, dict) or "kind" not in value:
        raise ValueError("a router is written as {kind: NAME, …}")
    found: Router = adapter(router_class(str(value["kind"]))).validate_python(value)
    return found


AnyRouter = Annotated[Router, PlainValidator(parse_router), PlainSerializer(dumped_parameters)]


@dataclass(kw_only=True)
class Ensemble(Router):
    """score(q) = Σ_k w_k score_k(q). `stacked` finds w ≥ 0, Σ w = 1, with the least squared error out of fold."""

    kind: Literal["ensemble"] = "ensemble"
    members: Annotated[tuple[AnyRouter, ...], Field(min_length=1)] = field(
        default_factory=lambda: (Knn(), Svm(), BestPerTask())
    )
    weighting: Literal["equal", "stacked"] = "stacked"
    folds: Annotated[int, Field(ge=2)] = 3
    members_: tuple[Router, ...] = learned()
    weights_: np.ndarray = learned("k")

    def _fit(self, observed: Observations) -> None:
        self.members_ = tuple(deepcopy(member).fit_observed(observed) for member in self.members)
        count = len(self.members_)
        if self.weighting == "stacked" and count > 1 and len(observed.queries) > self.folds:
            self.weights_ = self._stacked(observed)
        else:
            self.weights_ = np.full(count, 1.0 / count)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        parts = np.stack([member.scores(queries) for member in self.members_])  # [k, n, m]
        return np.asarray(np.tensordot(self.weights_, parts, axes=1))

    def _stacked(self, observed: Observations) -> np.ndarray:
        """[k] weights, from members fitted without the queries that they are asked."""
        fold = np.arange(len(observed.queries)) % self.folds
        parts = np.full((len(self.members), *observed.scores.shape), np.nan)  # [k, n, m], NaN where nobody was asked
        for f in range(self.folds):
            rest, asked = observed.take(np.flatnonzero(fold != f)), np.flatnonzero(fold == f)
            asked = asked[:: 1 + self.folds * len(asked) // MOST_ASKED]
            queries = [observed.queries[i] for i in asked]
            for k, member in enumerate(self.members):
                parts[k, asked] = deepcopy(member).fit_observed(rest).scores(queries)
        known = ~(np.isnan(observed.scores) | np.isnan(parts).any(axis=0))
        predictions, truth = parts[:, known].T, observed.scores[known]  # [c, k], [c]
        one = 1e3 * np.sqrt(len(truth))  # a row so heavy that the weights add up to 1
        weights, _ = nnls(np.vstack([predictions, np.full(len(self.members), one)]), np.append(truth, one))
        return np.asarray(weights / weights.sum())

    def _restored(self) -> None:
        if len(self.members_) != len(self.weights_) or any(m.models_ != self.models_ for m in self.members_):
            raise ValueError("its members do not fit its weights and models")
