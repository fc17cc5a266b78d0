"""How a router learns: what of a table it is shown. Any scorer learns from any of these, because unknown is no zero.

`supervised` shows every score; `preference` only which of two models did better; `bandit` only the answer of one model
per query, as a log of live traffic has it; `direct` is for what learns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import ConfigDict, Field

from rl_router.data.table import RoutingTable
from rl_router.routers.seeded import uniform

_FORBID: ConfigDict = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Supervised:
    """The table as it is."""

    __pydantic_config__: ClassVar[ConfigDict] = _FORBID
    kind: Literal["supervised"] = "supervised"

    def shown(self, table: RoutingTable) -> RoutingTable:
        return table

    def quality_per_score(self, table: RoutingTable) -> float:
        """By how much quality two models of `table` differ whose scores, as they are shown, differ by 1."""
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Direct(Supervised):
    """For a router that learns nothing from scores."""

    kind: Literal["direct"] = "direct"  # type: ignore[assignment]


@dataclass(frozen=True, kw_only=True)
class Preference:
    """Each score becomes the share of the other graded models that it beats, a tie being half: Borda's count.

    Two scores at most `tie` apart are a tie. A query that only one model was graded on says nothing. Shares lie closer
    together than qualities: for right and wrong answers of m models a gap of 1 in quality is one of m / (2 (m − 1)) in
    shares, so costs are weighed by the inverse of that, and a cost weight means what it means to other learners.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _FORBID
    kind: Literal["preference"] = "preference"
    tie: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0

    def shown(self, table: RoutingTable) -> RoutingTable:
        scores = table.matrix("score")  # [n, m]
        beats = np.stack([self._shares(scores, j) for j in range(scores.shape[1])], axis=1)
        return with_scores(table, beats)

    def quality_per_score(self, table: RoutingTable) -> float:
        m = len(table.models)
        return 2.0 * (m - 1) / m if m > 1 else 1.0

    def _shares(self, scores: np.ndarray, j: int) -> np.ndarray:
        """[n] of model j."""
        others = np.delete(scores, j, axis=1)
        gain = scores[:, [j]] - others
        known = ~np.isnan(gain)
        wins = np.where(known, (gain > self.tie) + 0.5 * (np.abs(gain) <= self.tie), 0.0).sum(axis=1)
        count = known.sum(axis=1)
        return np.where(count > 0, wins / np.maximum(count, 1), np.nan)


@dataclass(frozen=True, kw_only=True)
class Bandit:
    """Of each query one graded answer is shown, drawn by `seed`: each model as likely, so no weights are needed."""

    __pydantic_config__: ClassVar[ConfigDict] = _FORBID
    kind: Literal["bandit"] = "bandit"
    seed: int = 0

    def shown(self, table: RoutingTable) -> RoutingTable:
        graded = table.frame.filter(pl.col("score").is_not_null())
        keys = graded.select("query_id", "model").iter_rows()
        drawn = pl.Series([uniform(self.seed, query_id, model) for query_id, model in keys], dtype=pl.Float64)
        rows = graded.with_columns(drawn=drawn).filter(pl.col("drawn") == pl.col("drawn").min().over("query_id"))
        return RoutingTable(rows.drop("drawn"), where=table.where)

    def quality_per_score(self, table: RoutingTable) -> float:
        return 1.0


AnyLearner = Annotated[Supervised | Direct | Preference | Bandit, Field(discriminator="kind")]
LEARNERS = ("supervised", "preference", "bandit", "direct")


def with_scores(table: RoutingTable, scores: np.ndarray) -> RoutingTable:
    """`table` with `scores` [n, m] in the order of its queries and models; NaN is not graded."""
    rows = {query_id: i for i, query_id in enumerate(table.query_ids)}
    columns = {model: j for j, model in enumerate(table.models)}
    keys = table.frame.select("query_id", "model").iter_rows()
    values = np.array([scores[rows[query_id], columns[model]] for query_id, model in keys])
    return RoutingTable(table.frame.with_columns(score=pl.Series(values).fill_nan(None)), where=table.where)
