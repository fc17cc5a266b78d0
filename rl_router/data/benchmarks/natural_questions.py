"""Natural Questions, open: questions that people typed into Google, answered from memory."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import SHORT, ask


def item(row: Row) -> Item:
    return Item(text=ask(row["question"], SHORT), answers=tuple(row["answer"]))


NATURAL_QUESTIONS = Benchmark(
    name="natural_questions",
    title="Natural Questions (open)",
    source="https://github.com/google-research-datasets/natural-questions/tree/master/nq_open",
    paper="https://aclanthology.org/Q19-1026",
    licence="CC BY-SA 3.0",
    hub="google-research-datasets/nq_open",
    splits={"train": "train", "test": "validation"},  # its 3,610 validation questions are the test set of every paper
    grader="exact_match",
    item=item,
)
BENCHMARKS.add(NATURAL_QUESTIONS.name, NATURAL_QUESTIONS)
