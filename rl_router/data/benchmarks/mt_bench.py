"""MT-Bench: open questions in eight categories, each with a second turn that builds on the first; a judge grades.

The turns are two benchmarks of the same rows, so that they can be asked, routed and averaged apart. A second turn is
put to a model after its own reply to the first.
"""

from __future__ import annotations

from collections.abc import Callable

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row


def turn(number: int) -> Callable[[Row], Item]:
    """The `number`-th turn of each row, counted from 1."""

    def item(row: Row) -> Item:
        turns = list(row["turns"] if "turns" in row else row["prompt"])  # FastChat's file and the hub's copy of it
        identity = row["question_id"] if "question_id" in row else row["prompt_id"]
        references = list(row.get("reference") or ())
        meta = {"category": row["category"]}
        if len(references) >= number and references[number - 1]:
            meta["reference"] = references[number - 1]
        if number > 1:
            meta["turns"] = turns[:number]
        return Item(id=str(identity), text="\n\n".join(turns[:number]), meta=meta)

    return item


for _number, _name, _title in ((1, "mt_bench", "first turn"), (2, "mt_bench_turn2", "second turn")):
    BENCHMARKS.add(
        _name,
        Benchmark(
            name=_name,
            title=f"MT-Bench ({_title})",
            source="https://github.com/lm-sys/FastChat/tree/main/fastchat/llm_judge",
            paper="https://arxiv.org/abs/2306.05685",
            licence="Apache-2.0",
            hub="HuggingFaceH4/mt_bench_prompts",
            splits={"test": "train"},  # the hub knows one split, and it is not for training
            grader="judge",
            item=turn(_number),
        ),
    )
