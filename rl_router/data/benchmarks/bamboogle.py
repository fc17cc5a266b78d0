"""Bamboogle: 125 two-hop questions that a search engine answered wrongly."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import SHORT, ask


def item(row: Row) -> Item:
    return Item(text=ask(row["Question"], SHORT), answers=(row["Answer"],))


BAMBOOGLE = Benchmark(
    name="bamboogle",
    title="Bamboogle",
    source="https://github.com/ofirpress/self-ask",
    paper="https://arxiv.org/abs/2210.03350",
    licence="MIT",
    hub="chiayewken/bamboogle",
    splits={"test": "test"},
    grader="exact_match",
    item=item,
)
BENCHMARKS.add(BAMBOOGLE.name, BAMBOOGLE)
