"""GSM8K: school word problems whose answer is a number."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import NUMBER, ask


def item(row: Row) -> Item:
    _, mark, answer = row["answer"].rpartition("####")
    if not mark:
        raise ValueError("a solution without its #### answer")
    return Item(text=ask(row["question"], NUMBER), answers=(answer.strip(),))


GSM8K = Benchmark(
    name="gsm8k",
    title="GSM8K",
    source="https://github.com/openai/grade-school-math",
    paper="https://arxiv.org/abs/2110.14168",
    licence="MIT",
    hub="openai/gsm8k",
    configs=("main",),
    splits={"train": "train", "test": "test"},
    grader="number",
    item=item,
)
BENCHMARKS.add(GSM8K.name, GSM8K)
