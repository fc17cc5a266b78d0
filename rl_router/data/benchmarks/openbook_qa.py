"""OpenBookQA: elementary science that needs one fact and common sense."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import choose, labelled


def item(row: Row) -> Item:
    choices, key = labelled(row["choices"]), row["answerKey"].strip()
    return Item(id=row["id"], text=choose(row["question_stem"], choices), answers=(key,), choices=choices)


OPENBOOK_QA = Benchmark(
    name="openbook_qa",
    title="OpenBookQA",
    source="https://allenai.org/data/open-book-qa",
    paper="https://arxiv.org/abs/1809.02789",
    licence="Apache-2.0 (the authors' repository; the hub states none)",
    hub="allenai/openbookqa",
    configs=("main",),
    splits={"train": "train", "val": "validation", "test": "test"},
    grader="choice",
    item=item,
)
BENCHMARKS.add(OPENBOOK_QA.name, OPENBOOK_QA)
