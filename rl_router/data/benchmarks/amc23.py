"""AMC 2023: forty problems of the American Mathematics Competitions whose answers were made numbers."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import BOXED, ask


def item(row: Row) -> Item:
    identity = row.get("id")
    return Item(
        id=None if identity is None else str(identity),
        text=ask(row["question"], BOXED),
        answers=(str(row["answer"]),),
    )


AMC23 = Benchmark(
    name="amc23",
    title="AMC 2023",
    source="https://artofproblemsolving.com/wiki/index.php/AMC_12_Problems_and_Solutions",
    paper="https://maa.org/student-programs/amc/",
    licence="the problems are (c) MAA",
    hub="math-ai/amc23",
    splits={"test": "test"},
    grader="number",
    item=item,
    unchecked="The hub was seen to hold forty rows; its column names are from code that uses it.",
)
BENCHMARKS.add(AMC23.name, AMC23)
