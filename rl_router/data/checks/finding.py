"""One thing that is wrong with a table, or worth knowing of it: what, how often, where for example, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

EXAMPLES = 5


class Kind(StrEnum):
    """What a finding is about; `data check --allow KIND` takes faults of that kind for notes."""

    SCHEMA = "schema"
    DUPLICATE = "duplicate"  # one question under several ids of a split
    LEAK = "leak"  # one question in several splits
    ORDER = "order"  # models whose rows are in another order
    PRICE = "price"
    SCORE = "score"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`count` is how many rows, queries or models it concerns; a note (`fault` False) leaves the exit code at 0."""

    kind: Kind
    text: str
    count: int
    examples: tuple[str, ...] = ()
    fault: bool = True


def some(values: Iterable[object]) -> tuple[str, ...]:
    """The first few, as examples."""
    return tuple(str(value) for value, _ in zip(values, range(EXAMPLES), strict=False))
