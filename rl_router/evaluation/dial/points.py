"""What a dial comes to: a point of cost and quality per setting and seed, and whether it does what a dial must.

Mean cost falls strictly over λ; no fixed model is at once as cheap and as good; the reward comes near that of the best
table. Pure functions of the rows of `results.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import nan, sqrt
from statistics import fmean, stdev
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """One model that gets every question."""

    name: str
    cost_usd: float
    quality: float


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The policy at one λ over its seeds. `shares` are its rewards over the best table's, a seed each."""

    cost_weight: float
    costs_usd: tuple[float, ...]
    qualities: tuple[float, ...]
    rewards: tuple[float, ...]
    shares: tuple[float, ...]

    @property
    def cost_usd(self) -> float:
        return fmean(self.costs_usd)

    @property
    def quality(self) -> float:
        return fmean(self.qualities)

    @property
    def reward(self) -> float:
        return fmean(self.rewards)

    @property
    def share(self) -> float:
        return fmean(self.shares)


def settings(runs: Sequence[Sequence[Row]], router: str = "policy") -> list[Setting]:
    """One per cost weight, in order. `runs` are the rows of each seed's `results.json`."""
    found = []
    for weight in sorted({row["cost_weight"] for rows in runs for row in rows}):
        here = [{row["router"]: row for row in rows if row["cost_weight"] == weight} for rows in runs]
        mine = [rows[router] for rows in here]
        found.append(
            Setting(
                cost_weight=weight,
                costs_usd=tuple(row["cost_usd"] for row in mine),
                qualities=tuple(row["quality"] for row in mine),
                rewards=tuple(row["reward"] for row in mine),
                shares=tuple(rows[router]["reward"] / rows["best_table"]["reward"] for rows in here),
            )
        )
    return found


def rises(costs_usd: Sequence[float]) -> list[int]:
    """Positions at which the cost does not fall from the setting before."""
    return [i for i, (before, after) in enumerate(pairwise(costs_usd), start=1) if after >= before]


def dominators(cost_usd: float, quality: float, fixed: Iterable[Fixed]) -> list[str]:
    """Fixed models that cost no more and are right no less often, and better in one of the two."""
    return [
        f.name
        for f in fixed
        if f.cost_usd <= cost_usd and f.quality >= quality and (f.cost_usd, f.quality) != (cost_usd, quality)
    ]


def standard_error(values: Sequence[float]) -> float:
    """Over seeds; NaN for one."""
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else nan


def decomposed_share(choices: Iterable[Row], router: str, cost_weight: float) -> float | None:
    """The share of two-hop questions that `router` began with their first hop; None if there are none."""
    rows = [
        row
        for row in choices
        if row["router"] == router and row["cost_weight"] == cost_weight and row["task"].startswith("two_hop")
    ]
    return sum(row["share"] for row in rows if row["model"].endswith("(first hop)")) if rows else None
