"""A benchmark: where its questions come from, how a row becomes a prompt, and who grades the answers.

Each file beside this one holds one benchmark and only what is its own. `item` is a pure function of one row, so that a
benchmark can be tested on three rows written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rl_router.data.registry import Registry
from rl_router.errors import DataError
from rl_router.types import Query

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Item:
    """What a row says. Without an `id` its place names it; `grader` and `task` replace the benchmark's own."""

    text: str
    answers: tuple[str, ...] = ()
    id: str | None = None
    task: str = ""
    grader: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """`item` returns None for a row that is no question (a withheld answer, an unanswerable one).

    `splits` maps our train, val and test to the source's names. On the hub, `configs` are loaded one after another, or
    `files` where the hub's own loader cannot read the repository; rows of files with one `merge_on` value are one row.
    `unchecked` says what about this source nobody could check while writing it.
    """

    name: str
    title: str
    source: str
    paper: str
    licence: str
    hub: str
    splits: Mapping[str, str]
    grader: str
    item: Callable[[Row], Item | None]
    configs: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    merge_on: str = ""
    unchecked: str = ""

    def query(self, row: Row, split: str, number: int) -> Query | None:
        """The question of a row, the `number`-th of its split; a row of another shape is a DataError."""
        try:
            item = self.item(row)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            what = f"lacks {error}" if isinstance(error, KeyError) else f"does not fit ({error})"
            raise DataError(
                f"Row {number} of {self.name}/{split} {what}; it has the columns {', '.join(map(str, row))}. "
                f"Name data as {self.hub} has it."
            ) from None
        if item is None:
            return None
        return Query(
            query_id=f"{self.name}/{split}/{number if item.id is None else item.id}",
            text=item.text,
            answers=item.answers,
            task=item.task or self.name,
            split=split,
            dataset=self.name,
            grader=item.grader or self.grader,
            choices=item.choices,
            meta=item.meta,
        )

    def their_split(self, split: str) -> str:
        if split not in self.splits:
            raise DataError(f"{self.name} has no split {split!r}; it has {', '.join(self.splits)}.")
        return self.splits[split]


BENCHMARKS: Registry[Benchmark] = Registry("benchmark")
