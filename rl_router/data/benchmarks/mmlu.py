"""MMLU: four-way multiple choice over 57 subjects, from school to the professions."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import choose, lettered


def item(row: Row) -> Item:
    choices = lettered(row["choices"])
    answer = row["answer"]
    label = list(choices)[answer] if isinstance(answer, int) else str(answer)
    meta = {"subject": row["subject"]} if row.get("subject") else {}
    return Item(text=choose(row["question"], choices), answers=(label,), choices=choices, meta=meta)


MMLU = Benchmark(
    name="mmlu",
    title="MMLU",
    source="https://github.com/hendrycks/test",
    paper="https://arxiv.org/abs/2009.03300",
    licence="MIT",
    hub="cais/mmlu",
    configs=("all",),
    splits={"train": "auxiliary_train", "val": "validation", "test": "test"},
    grader="choice",
    item=item,
    unchecked="auxiliary_train is of other exams (RACE, ARC and more), as its authors made it.",
)
BENCHMARKS.add(MMLU.name, MMLU)
