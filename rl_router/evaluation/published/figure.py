"""One published number and ours from the same files."""

from __future__ import annotations

from dataclasses import dataclass

REFERENCE = "reference"
"""The source of a number that its authors do not give: fixed on the same files before our code was written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """`ours` agrees when it is within `tolerance` of `published`; a number without a published one explains others.

    `n` queries were graded. `decimals` is how many are shown, and, unless the source says otherwise, how many it gives.
    """

    suite: str
    quantity: str
    published: float | None
    ours: float
    tolerance: float
    decimals: int
    n: int
    source: str
    note: str = ""

    @property
    def agrees(self) -> bool | None:
        return None if self.published is None else abs(self.ours - self.published) <= self.tolerance


def to_the_digit(
    suite: str, quantity: str, published: float, ours: float, decimals: int, *, n: int, source: str, note: str = ""
) -> Figure:
    """Agreement to the last digit given: half a unit of it, and a hair for how decimals are stored."""
    return Figure(
        suite=suite,
        quantity=quantity,
        published=published,
        ours=ours,
        tolerance=0.5 * 10**-decimals + 1e-9,
        decimals=decimals,
        n=n,
        source=source,
        note=note,
    )


def only_ours(suite: str, quantity: str, ours: float, decimals: int, *, n: int, note: str = "") -> Figure:
    """A number of ours that explains a published one and has none beside it."""
    return Figure(
        suite=suite,
        quantity=quantity,
        published=None,
        ours=ours,
        tolerance=0.0,
        decimals=decimals,
        n=n,
        source="",
        note=note,
    )
