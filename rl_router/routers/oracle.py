"""The oracle: it knows how every model answered. For evaluation only, as the ceiling that no router can pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rl_router.errors import DataError
from rl_router.routers.learned import learned
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query


@dataclass(kw_only=True)
class Oracle(Router):
    """Fit it on the very queries that it will be asked. A score or cost that is unknown is never chosen for."""

    kind: Literal["oracle"] = "oracle"
    query_ids_: tuple[str, ...] = learned()
    scores_: np.ndarray = learned("n m", unknown=True)
    costs_: np.ndarray = learned("n m", unknown=True)

    def _fit(self, observed: Observations) -> None:
        self.query_ids_ = tuple(query.query_id for query in observed.queries)
        self.scores_, self.costs_ = observed.scores, observed.costs_usd

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        return np.nan_to_num(self.scores_[self._rows(queries)])

    def _costs_usd(self, queries: Sequence[Query]) -> np.ndarray:
        """[n, m] the recorded costs; where one is missing, the predicted cost of that model."""
        recorded = self.costs_[self._rows(queries)]
        return np.where(np.isnan(recorded), self.cost_model_.costs_usd(queries), recorded)

    def _rows(self, queries: Sequence[Query]) -> list[int]:
        index = {query_id: i for i, query_id in enumerate(self.query_ids_)}
        unknown = next((query.query_id for query in queries if query.query_id not in index), None)
        if unknown is not None:
            raise DataError(
                f"the oracle has no recorded answers to query {unknown!r}: fit it on the queries it is asked"
            )
        return [index[query.query_id] for query in queries]

    def _restored(self) -> None:
        if len(set(self.query_ids_)) != len(self.scores_):
            raise ValueError("its queries do not fit its scores")
