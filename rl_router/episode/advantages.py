"""What the episodes of one group are worth beside each other: the advantage, from the terms of their rewards.

A group is one question at one setting of the dial, so nothing here ever compares two cost weights. Pure functions of
terms: `joint` compares sums, `componentwise` compares each component apart and adds up afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Literal

from rl_router.errors import RecipeError


@dataclass(frozen=True, kw_only=True)
class Joint:
    """The sum of the terms, which the trainer compares within the group: GRPO (arXiv 2402.03300)."""

    __pydantic_config__ = {"extra": "forbid"}
    kind: Literal["joint"] = "joint"

    def of_group(self, group: Sequence[Mapping[str, float | None]]) -> list[float | None]:
        return [None if None in terms.values() else sum(v for v in terms.values() if v is not None) for terms in group]


@dataclass(frozen=True, kw_only=True)
class Componentwise:
    """Each component is centred and divided by its spread within the group, then they are added up.

    GDPO (arXiv 2601.05242), with a floor under the spread: one that varies by less than `least_spread` keeps its
    proportion instead of being blown up to the size of one that decides the answer. So a cost term of a small λ counts
    for more than in a sum, and still for less at a smaller λ. A component that is the same everywhere adds nothing.
    """

    __pydantic_config__ = {"extra": "forbid"}
    kind: Literal["componentwise"] = "componentwise"
    least_spread: float = 0.2

    def __post_init__(self) -> None:
        if not self.least_spread > 0.0:
            raise RecipeError(f"Expected advantage.least_spread above zero, got {self.least_spread}.")

    def of_group(self, group: Sequence[Mapping[str, float | None]]) -> list[float | None]:
        """None for an episode that could not be scored, which is no part of the comparison."""
        scored = [terms for terms in group if None not in terms.values()]
        names = sorted({name for terms in scored for name in terms})
        columns = {name: _centred([terms.get(name) or 0.0 for terms in scored], self.least_spread) for name in names}
        sums = iter([sum(column[i] for column in columns.values()) for i in range(len(scored))])
        return [None if None in terms.values() else next(sums) for terms in group]


Advantage = Joint | Componentwise


def _centred(values: Sequence[float], least_spread: float) -> list[float]:
    """(value − mean) / max(population standard deviation, least_spread)."""
    mean, spread = fmean(values), max(pstdev(values), least_spread)
    return [(value - mean) / spread for value in values]
