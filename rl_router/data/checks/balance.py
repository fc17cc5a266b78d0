"""Is there anything to learn? How many queries tell models apart, and which model a router should name how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rl_router.data.table import RoutingTable


@dataclass(frozen=True, kw_only=True)
class Balance:
    """Shares of a split's queries. `best_model`: the cheapest of those with the best score, the class of a classifier.

    `alike` is the share on which every known score is the same, so that only the price tells the models apart.
    """

    split: str
    queries: int
    tasks: Mapping[str, int]
    alike: float
    best_model: Mapping[str, float]


def balances(table: RoutingTable) -> list[Balance]:
    return [_balance(table, split) for split in table.frame["split"].unique(maintain_order=True)]


def _balance(table: RoutingTable, split: str) -> Balance:
    part = table.select(split=split)
    scores = part.matrix("score")  # [n, m]
    scores = scores[(~np.isnan(scores)).any(axis=1)]
    counts: dict[str, int] = {}
    for query in part.queries():
        counts[query.task] = counts.get(query.task, 0) + 1
    if not len(scores):
        return Balance(split=split, queries=len(part.query_ids), tasks=counts, alike=0.0, best_model={})
    high, low = np.nanmax(scores, axis=1), np.nanmin(scores, axis=1)
    by_price = _cheapest_first(part)
    labels = by_price[(scores[:, by_price] == high[:, None]).argmax(axis=1)]
    shares = np.bincount(labels, minlength=len(part.models)) / len(labels)
    order = np.argsort(-shares, kind="stable")
    return Balance(
        split=split,
        queries=len(part.query_ids),
        tasks=counts,
        alike=float((high == low).mean()),
        best_model={part.models[j]: float(shares[j]) for j in order if shares[j] > 0},
    )


def _cheapest_first(table: RoutingTable) -> np.ndarray:
    """[m] columns by mean cost; models without a cost come last, in the table's order."""
    costs = table.matrix("cost_usd")
    known = (~np.isnan(costs)).sum(axis=0)
    means = np.where(known > 0, np.nansum(costs, axis=0) / np.maximum(known, 1), np.inf)
    return np.argsort(means, kind="stable")
