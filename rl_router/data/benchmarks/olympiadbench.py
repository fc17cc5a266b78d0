"""OlympiadBench: the 674 problems of mathematics in English that are text alone and have a final answer."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import BOXED, ask


def item(row: Row) -> Item | None:
    """Several answers are stated in one text, with commas between them."""
    answers = row["final_answer"]
    answers = [answers] if isinstance(answers, str) else list(answers or ())
    if not answers:
        return None
    return Item(
        id=str(row["id"]),
        text=ask(row["question"], BOXED),
        answers=(", ".join(str(answer).strip("$ ") for answer in answers),),
        meta={"subject": row["subfield"]} if row.get("subfield") else {},
    )


OLYMPIADBENCH = Benchmark(
    name="olympiadbench",
    title="OlympiadBench (mathematics, English, text)",
    source="https://github.com/OpenBMB/OlympiadBench",
    paper="https://arxiv.org/abs/2402.14008",
    licence="Apache-2.0",
    hub="math-ai/olympiadbench",
    splits={"test": "test"},
    grader="maths",
    item=item,
    unchecked="The hub was seen to hold 674 rows; its column names are from code that uses it.",
)
BENCHMARKS.add(OLYMPIADBENCH.name, OLYMPIADBENCH)
