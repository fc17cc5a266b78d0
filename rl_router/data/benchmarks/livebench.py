"""LiveBench: questions that are renewed every few months, each with an answer that no judge is needed for.

Its prompts say the form of their answers, so nothing is added to them. Left out are tasks that need code to be run
(coding) or tables to be compared cell by cell (tablereformat), stories to be ordered (plot_unscrambling), and what a
later release has taken out.
"""

from __future__ import annotations

import json
from typing import Any

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.ifeval import instructions_of
from rl_router.data.importers.sources import literal

FORMS = {
    "web_of_lies_v2": "all",
    "web_of_lies_v3": "all",
    "spatial": "all",
    "zebra_puzzle": "places",
    "house_traversal": "places",
    "olympiad": "order",
    "connections": "groups",
    "typos": "verbatim",
    "tablejoin": "mapping",
}
"""How the grader `listed` compares the answers of a task."""
GRADERS = {"AMPS_Hard": "maths", "cta": "exact_match"}


def item(row: Row) -> Item | None:
    if row.get("livebench_removal_date"):
        return None
    task, truth = row["task"], str(row.get("ground_truth") or "")
    made: dict[str, Any] = {"id": str(row["question_id"]), "text": row["turns"][0], "task": f"livebench/{task}"}
    if row["category"] == "instruction_following":
        meta = {"instructions": instructions_of(row), "partly": True}
        return Item(**made, grader="instructions", meta=meta)
    if not truth:
        return None
    if task == "tablejoin":
        truth = json.dumps(literal(truth), ensure_ascii=False)  # written as Python
    if task == "math_comp":  # AMC and SMC ask for a letter, AIME for three digits
        letter = truth.isalpha()
        return Item(
            **made,
            answers=(truth,),
            grader="listed" if letter else "number",
            meta={"form": "letter"} if letter else {},
        )
    if task in GRADERS:
        return Item(**made, answers=(truth,), grader=GRADERS[task])
    return Item(**made, answers=(truth,), meta={"form": FORMS[task]}) if task in FORMS else None


def _add(category: str, description: str) -> None:
    name = f"livebench_{category}"
    BENCHMARKS.add(
        name,
        Benchmark(
            name=name,
            title=f"LiveBench, {description}",
            source="https://github.com/LiveBench/LiveBench",
            paper="https://arxiv.org/abs/2406.19314",
            licence="Apache-2.0 (the authors' repository; the hub states none)",
            hub=f"livebench/{category}",
            splits={"test": "test"},
            grader="listed",
            item=item,
            unchecked="Columns are those of the hub's card; tested on rows written by hand. Scores follow LiveBench's, "
            "but for what a reply is read as: it must mark its answer.",
        ),
    )


_add("math", "mathematics")
_add("reasoning", "reasoning")
_add("language", "connections and typos")
_add("data_analysis", "joining tables and naming columns")
_add("instruction_following", "checkable instructions")
