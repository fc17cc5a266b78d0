"""MMLU-Pro: harder questions than MMLU's, with up to ten options."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import choose, lettered


def item(row: Row) -> Item:
    choices = lettered([option for option in row["options"] if option != "N/A"])
    return Item(
        id=str(row["question_id"]),
        text=choose(row["question"], choices),
        answers=(row["answer"],),
        choices=choices,
        meta={"subject": row["category"]},
    )


MMLU_PRO = Benchmark(
    name="mmlu_pro",
    title="MMLU-Pro",
    source="https://github.com/TIGER-AI-Lab/MMLU-Pro",
    paper="https://arxiv.org/abs/2406.01574",
    licence="MIT",
    hub="TIGER-Lab/MMLU-Pro",
    splits={"val": "validation", "test": "test"},
    grader="choice",
    item=item,
)
BENCHMARKS.add(MMLU_PRO.name, MMLU_PRO)
