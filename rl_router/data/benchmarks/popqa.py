"""PopQA: facts about entities that few people look up, one relation per question."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import SHORT, ask
from rl_router.data.importers.sources import literal


def item(row: Row) -> Item:
    answers = literal(row["possible_answers"])  # a list, or one written as a text
    meta = {"relation": row["prop"]} if "prop" in row else {}
    return Item(id=str(row["id"]), text=ask(row["question"], SHORT), answers=tuple(answers), meta=meta)


POPQA = Benchmark(
    name="popqa",
    title="PopQA",
    source="https://github.com/AlexTMallen/adaptive-retrieval",
    paper="https://arxiv.org/abs/2212.10511",
    licence="MIT",
    hub="akariasai/PopQA",
    splits={"test": "test"},
    grader="exact_match",
    item=item,
)
BENCHMARKS.add(POPQA.name, POPQA)
