"""BFCL: which functions should be called, with which arguments? The single turns in Python, Java and JavaScript.

Calls are asked for as JSON in every language, so that no Java has to be read: what JSON has (numbers, truth values,
texts, lists, objects) is written as such, any other expression as a text. Categories that only running something can
grade are refused.
"""

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
    "java",
    "javascript",
)
REFUSED = {
    "multi_turn": "is graded by simulated machines of the benchmark's own",
    "memory": "is graded by simulated machines of the benchmark's own",
    "web_search": "is graded by searching the web",
    "exec": "is graded by running functions",
    "rest": "is graded by calling the network",
    "relevance": "says that some call is due, not which one is right",
    "chatable": "has no right answers",
    "sql": "has no right answers",
    "format_sensitivity": "varies the prompts of the other categories",
}
FORM = (
    'Answer with the calls to make and nothing else, as a JSON list: [{"name": "function", "arguments": {"x": 1}}]. '
    "If no function fits, or a needed argument is unknown, say so in words and call none."
)
LANGUAGES = {"java": "Java", "javascript": "JavaScript"}
OTHER_LANGUAGE = (
    "The functions are {}'s. Write a value that JSON has (a number, true or false, a text, a list, a map) in JSON, and "
    "any other expression, a variable's name included, as a JSON text."
)


def item(row: Row) -> Item | None:
    question = row["question"]
    turns = question[0] if isinstance(question, list) else [{"role": "user", "content": question}]
    category = category_of(str(row["id"]))
    if "ground_truth" not in row and "irrelevance" not in category:
        return None
    language = LANGUAGES.get(category.removeprefix("simple_"))
    form = f"{FORM}\n{OTHER_LANGUAGE.format(language)}" if language else FORM
    functions = json.dumps(row["function"], ensure_ascii=False, indent=1)
    text = "\n".join(str(turn["content"]) for turn in turns)
    return Item(
        id=str(row["id"]),
        text=ask(f"You may call these functions:\n\n{functions}\n\nRequest: {text}", form),
        answers=(json.dumps(row.get("ground_truth") or [], ensure_ascii=False),),
        task=f"bfcl/{category}",
        meta={"tools": row["function"]},
    )


def category_of(identity: str) -> str:
    """`live_simple_3-1-0` is of live_simple. ValueError for a category that cannot be graded here."""
    category = identity.rpartition("_")[0]
    for name, why in REFUSED.items():
        if category.removeprefix("live_").startswith(name):
            raise ValueError(f"its category {category} {why}, so leave that file out")
    return category


BFCL = Benchmark(
    name="bfcl",
    title="BFCL (single turn)",
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
    unchecked="The hub has version 3; Python tested on version 4's questions from the authors' repository, of the same "
    "shape, Java and JavaScript on rows written by hand.",
)
BENCHMARKS.add(BFCL.name, BFCL)
