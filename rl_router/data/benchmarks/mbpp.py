"""MBPP: small Python functions, each with three assertions, which the prompt shows: they alone fix names and order."""

from __future__ import annotations

import re

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import CODE, ask


def item(row: Row) -> Item:
    tests = [test.strip() for test in row["test_list"]]
    task = row["text"] if "text" in row else row["prompt"]  # the full set and the sanitized one
    setup = row.get("test_setup_code") or "\n".join(row.get("test_imports") or ())
    shown = "\n".join(([setup.strip()] if setup.strip() else []) + tests)
    return Item(
        id=str(row["task_id"]),
        text=ask(f"{task.strip()} It must pass these tests:\n\n```python\n{shown}\n```", CODE),
        answers=(row["code"],),
        meta={"tests": {"kind": "asserts", "code": shown, "function": tested(row["code"], tests[0])}},
    )


def tested(code: str, test: str) -> str:
    """The function of `code` that the assertion calls; an assertion may wrap it in `set(…)` or `math.isclose(…)`."""
    defined = re.findall(r"^def\s+(\w+)", code, re.MULTILINE)
    return next((name for name in defined if re.search(rf"\b{name}\s*\(", test)), "")


MBPP = Benchmark(
    name="mbpp",
    title="MBPP",
    source="https://github.com/google-research/google-research/tree/master/mbpp",
    paper="https://arxiv.org/abs/2108.07732",
    licence="CC BY 4.0",
    hub="google-research-datasets/mbpp",
    configs=("full",),
    splits={"train": "train", "val": "validation", "test": "test"},
    grader="code",
    item=item,
)
BENCHMARKS.add(MBPP.name, MBPP)
