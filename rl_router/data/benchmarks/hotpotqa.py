"""HotpotQA: questions over two Wikipedia articles, asked without the articles."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import SHORT, ask


def item(row: Row) -> Item:
    meta = {key: row[key] for key in ("type", "level") if key in row}
    identity = row["id"] if "id" in row else row["_id"]  # the hub's set and the authors' file
    return Item(id=identity, text=ask(row["question"], SHORT), answers=(row["answer"],), meta=meta)


HOTPOTQA = Benchmark(
    name="hotpotqa",
    title="HotpotQA",
    source="https://hotpotqa.github.io/",
    paper="https://arxiv.org/abs/1809.09600",
    licence="CC BY-SA 4.0",
    hub="hotpotqa/hotpot_qa",
    configs=("distractor",),
    splits={"train": "train", "test": "validation"},  # the answers of its test split are withheld
    grader="exact_match",
    item=item,
)
BENCHMARKS.add(HOTPOTQA.name, HOTPOTQA)
