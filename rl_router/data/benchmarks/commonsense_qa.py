"""CommonsenseQA: five-way choices about everyday things, from ConceptNet."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import choose, labelled


def item(row: Row) -> Item | None:
    if not row["answerKey"]:
        return None
    choices = labelled(row["choices"])
    return Item(id=row["id"], text=choose(row["question"], choices), answers=(row["answerKey"],), choices=choices)


COMMONSENSE_QA = Benchmark(
    name="commonsense_qa",
    title="CommonsenseQA",
    source="https://www.tau-nlp.org/commonsenseqa",
    paper="https://arxiv.org/abs/1811.00937",
    licence="MIT",
    hub="tau/commonsense_qa",
    splits={"train": "train", "test": "validation"},  # the answers of its test split are withheld
    grader="choice",
    item=item,
)
BENCHMARKS.add(COMMONSENSE_QA.name, COMMONSENSE_QA)
