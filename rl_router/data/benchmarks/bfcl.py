"""BFCL: which functions should be called, with which arguments? The single-turn Python categories."""

from __future__ import annotations

import json

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import ask

CATEGORIES = (
    "simple",
    "multiple",
    "parallel",
    "parallel_multiple",
    "live_simple",
    "live_multiple",
    "live_parallel",
    "live_parallel_multiple",
)
FORM = (
    'Answer with the calls to make and nothing else, as a JSON list: [{"name": "function", "arguments": {"x": 1}}]. '
    "If no function fits, or a needed argument is unknown, say so in words and call none."
)


def item(row: Row) -> Item | None:
    question = row["question"]
    turns = question[0] if isinstance(question, list) else [{"role": "user", "content": question}]
    category = str(row["id"]).rpartition("_")[0]
    if "ground_truth" not in row and "irrelevance" not in category:
        return None
    functions = json.dumps(row["function"], ensure_ascii=False, indent=1)
    text = "\n".join(str(turn["content"]) for turn in turns)
    return Item(
        id=str(row["id"]),
        text=ask(f"You may call these functions:\n\n{functions}\n\nRequest: {text}", FORM),
        answers=(json.dumps(row.get("ground_truth") or [], ensure_ascii=False),),
        task=f"bfcl/{category}",
        meta={"tools": row["function"]},
    )


BFCL = Benchmark(
    name="bfcl",
    title="BFCL (single turn, Python)",
    source="https://github.com/ShishirPatil/gorilla/tree/main/berkeley-function-call-leaderboard",
    paper="https://openreview.net/forum?id=2GmDdhBdDk",
    licence="Apache-2.0",
    hub="gorilla-llm/Berkeley-Function-Calling-Leaderboard",
    splits={"test": "test"},
    files={
        "test": (
            *(f"BFCL_v3_{category}.json" for category in (*CATEGORIES, "irrelevance", "live_irrelevance")),
            *(f"possible_answer/BFCL_v3_{category}.json" for category in CATEGORIES),
        )
    },
    merge_on="id",
    grader="function_calls",
    item=item,
    unchecked="The hub has version 3; tested on version 4's questions from the authors' repository, of the same shape.",
)
BENCHMARKS.add(BFCL.name, BFCL)
