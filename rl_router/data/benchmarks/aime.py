"""AIME 2024 and 2025: thirty competition problems a year whose answers are whole numbers from 0 to 999."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import BOXED, ask


def item(row: Row) -> Item:
    """Column names are capitalised in one year's set and not in the other's."""
    lower = {key.lower(): value for key, value in row.items()}
    identity = lower.get("id")
    return Item(
        id=None if identity is None else str(identity),
        text=ask(lower["problem"], BOXED),
        answers=(str(lower["answer"]),),
    )


AIME24 = Benchmark(
    name="aime24",
    title="AIME 2024",
    source="https://artofproblemsolving.com/wiki/index.php/AIME_Problems_and_Solutions",
    paper="https://maa.org/maa-invitational-competitions/",
    licence="the problems are (c) MAA",
    hub="Maxwell-Jia/AIME_2024",
    splits={"test": "train"},
    grader="number",
    item=item,
)
AIME25 = Benchmark(
    name="aime25",
    title="AIME 2025",
    source="https://artofproblemsolving.com/wiki/index.php/AIME_Problems_and_Solutions",
    paper="https://maa.org/maa-invitational-competitions/",
    licence="the problems are (c) MAA",
    hub="math-ai/aime25",
    splits={"test": "test"},
    grader="number",
    item=item,
)
BENCHMARKS.add(AIME24.name, AIME24)
BENCHMARKS.add(AIME25.name, AIME25)
