"""Minerva: 272 undergraduate problems of science and mathematics, from MIT's open courses."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import BOXED, ask


def item(row: Row) -> Item:
    return Item(text=ask(row["question"], BOXED), answers=(str(row["answer"]),))


MINERVA = Benchmark(
    name="minerva",
    title="Minerva (OCWCourses)",
    source="https://openreview.net/forum?id=IFXTZERXdM7",
    paper="https://arxiv.org/abs/2206.14858",
    licence="the courses are CC BY-NC-SA 4.0 (the hub states none)",
    hub="math-ai/minervamath",
    splits={"test": "test"},
    grader="maths",
    item=item,
    unchecked="Tested on rows written by hand.",
)
BENCHMARKS.add(MINERVA.name, MINERVA)
