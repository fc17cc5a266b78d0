"""IFEval: prompts whose instructions a program can check."""

from __future__ import annotations

from typing import Any

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row


def item(row: Row) -> Item:
    return Item(id=str(row["key"]), text=row["prompt"], meta={"instructions": instructions_of(row)})


def instructions_of(row: Row) -> list[dict[str, Any]]:
    """Each instruction's id and the arguments that it has; a parquet file has a column for every other's too."""
    pairs = zip(row["instruction_id_list"], row["kwargs"], strict=True)
    return [
        {"id": name, **{key: value for key, value in (given or {}).items() if value is not None}}
        for name, given in pairs
    ]


IFEVAL = Benchmark(
    name="ifeval",
    title="IFEval",
    source="https://github.com/google-research/google-research/tree/master/instruction_following_eval",
    paper="https://arxiv.org/abs/2311.07911",
    licence="Apache-2.0",
    hub="google/IFEval",
    splits={"test": "train"},  # the hub knows one split, and it is not for training
    grader="instructions",
    item=item,
    unchecked="Tested on rows written by hand; no set of prompts with known-good replies is published.",
)
BENCHMARKS.add(IFEVAL.name, IFEVAL)
