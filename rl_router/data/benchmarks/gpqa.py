"""GPQA: questions by doctoral students that search engines do not answer.

The source lists the right answer first, so options are shuffled here. The order comes from the record alone: it is the
same on every machine and run, and the key is looked up after the shuffle by where the right option went.
"""

from __future__ import annotations

from random import Random

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import choose, lettered

OPTIONS = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


def item(row: Row) -> Item:
    order = list(range(len(OPTIONS)))
    identity = str(row.get("Record ID") or row["Question"])
    Random(f"gpqa {identity}").shuffle(order)
    choices = lettered([row[OPTIONS[i]] for i in order])
    key = list(choices)[order.index(0)]
    meta = {"subject": row["High-level domain"]} if row.get("High-level domain") else {}
    return Item(
        id=str(row["Record ID"]) if row.get("Record ID") else None,
        text=choose(row["Question"], choices),
        answers=(key,),
        choices=choices,
        meta=meta,
    )


GPQA = Benchmark(
    name="gpqa",
    title="GPQA (diamond)",
    source="https://github.com/idavidrein/gpqa",
    paper="https://arxiv.org/abs/2311.12022",
    licence="CC BY 4.0; its authors ask that no question be shown in public",
    hub="Idavidrein/gpqa",
    configs=("gpqa_diamond",),
    splits={"test": "train"},  # the hub knows one split, and it is not for training
    grader="choice",
    item=item,
    unchecked="The hub asks for a log-in; tested on rows written by hand, as its authors ask for no copies.",
)
BENCHMARKS.add(GPQA.name, GPQA)
