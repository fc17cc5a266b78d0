"""HumanEval and HumanEval+: the beginning of a Python function to complete, with hidden unit tests."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import CODE, ask


def item(row: Row) -> Item:
    prompt, name = row["prompt"], row["entry_point"]
    before = prompt[: prompt.rindex(f"def {name}")]  # imports, and functions that the tests use too
    return Item(
        id=str(row["task_id"]).removeprefix("HumanEval/"),
        text=ask(f"Complete this function:\n\n```python\n{prompt.strip()}\n```", CODE),
        answers=(prompt + row["canonical_solution"],),
        meta={
            "tests": {
                "kind": "asserts",
                "code": f"{row['test']}\ncheck({name})\n",
                "function": name,
                "before": before,
                "opening": prompt,
            }
        },
    )


HUMANEVAL = Benchmark(
    name="humaneval",
    title="HumanEval",
    source="https://github.com/openai/human-eval",
    paper="https://arxiv.org/abs/2107.03374",
    licence="MIT",
    hub="openai/openai_humaneval",
    splits={"test": "test"},
    grader="code",
    item=item,
)
HUMANEVAL_PLUS = Benchmark(
    name="humaneval_plus",
    title="HumanEval+",
    source="https://github.com/evalplus/evalplus",
    paper="https://arxiv.org/abs/2305.01210",
    licence="Apache-2.0",
    hub="evalplus/humanevalplus",
    splits={"test": "test"},
    grader="code",
    item=item,
    unchecked="Tested on a row written by hand; its own tests, eighty times as many as HumanEval's, were not run.",
)
BENCHMARKS.add(HUMANEVAL.name, HUMANEVAL)
BENCHMARKS.add(HUMANEVAL_PLUS.name, HUMANEVAL_PLUS)
