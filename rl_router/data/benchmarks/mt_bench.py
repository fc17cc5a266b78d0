"""MT-Bench: open questions in eight categories, graded by a judge. Only the first turn of each is asked."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row


def item(row: Row) -> Item:
    turns = row["turns"] if "turns" in row else row["prompt"]  # FastChat's file and the hub's copy of it
    identity = row["question_id"] if "question_id" in row else row["prompt_id"]
    references = [text for text in row.get("reference") or () if text]
    meta = {"category": row["category"], **({"reference": references[0]} if references else {})}
    return Item(id=str(identity), text=turns[0], meta=meta)


MT_BENCH = Benchmark(
    name="mt_bench",
    title="MT-Bench (first turn)",
    source="https://github.com/lm-sys/FastChat/tree/main/fastchat/llm_judge",
    paper="https://arxiv.org/abs/2306.05685",
    licence="Apache-2.0",
    hub="HuggingFaceH4/mt_bench_prompts",
    splits={"test": "train"},  # the hub knows one split, and it is not for training
    grader="judge",
    item=item,
)
BENCHMARKS.add(MT_BENCH.name, MT_BENCH)
