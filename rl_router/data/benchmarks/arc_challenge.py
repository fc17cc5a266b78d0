"""ARC-Challenge: school science that retrieval and word co-occurrence get wrong. Some options are labelled 1 to 4."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import choose, labelled


def item(row: Row) -> Item:
    choices = labelled(row["choices"])
    return Item(id=row["id"], text=choose(row["question"], choices), answers=(row["answerKey"],), choices=choices)


ARC_CHALLENGE = Benchmark(
    name="arc_challenge",
    title="ARC-Challenge",
    source="https://allenai.org/data/arc",
    paper="https://arxiv.org/abs/1803.05457",
    licence="CC BY-SA 4.0",
    hub="allenai/ai2_arc",
    configs=("ARC-Challenge",),
    splits={"train": "train", "val": "validation", "test": "test"},
    grader="choice",
    item=item,
)
BENCHMARKS.add(ARC_CHALLENGE.name, ARC_CHALLENGE)
