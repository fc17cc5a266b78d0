"""LiveCodeBench: contest problems by date, judged by their tests; release v6, the newest increment.

Its hidden tests are stored as a pickled text inside base64. The text is read out of the pickle's opcodes without
unpickling, so nothing in the file can run; a pickle of anything but one text is refused.
"""

from __future__ import annotations

import base64
import json
import pickletools
import zlib
from collections.abc import Sequence
from typing import Any

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import CODE, ask

MAX_CHARS = 50_000
"""Characters of tests kept per problem, public ones first: some problems have megabytes, and a table repeats them."""
HARMLESS = {"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "STOP"}
TEXTS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
BEFORE = "import collections, functools, heapq, itertools, math, re, string\nfrom typing import *\n"


def item(row: Row) -> Item:
    cases = [*cases_in(row["public_test_cases"]), *cases_in(row.get("private_test_cases") or "[]")]
    kept = within(cases, MAX_CHARS)
    starter = row.get("starter_code") or ""
    form = f"Complete this code:\n\n```python\n{starter.rstrip()}\n```" if starter else "Read stdin and write stdout."
    meta = {key: str(row[key]) for key in ("platform", "difficulty", "contest_date") if row.get(key)}
    return Item(
        id=str(row["question_id"]),
        text=ask(f"{row['question_content'].strip()}\n\n{form}", CODE),
        meta={**meta, "tests": tests_of(kept, row), "tests_left_out": len(cases) - len(kept)},
    )


def tests_of(cases: Sequence[dict[str, Any]], row: Row) -> dict[str, Any]:
    if cases[0]["testtype"] == "stdin":
        return {"kind": "stdin", "cases": [{"input": case["input"], "output": case["output"]} for case in cases]}
    calls = [
        {"arguments": [json.loads(line) for line in case["input"].split("\n")], "result": json.loads(case["output"])}
        for case in cases
    ]
    return {"kind": "calls", "function": json.loads(row["metadata"])["func_name"], "cases": calls, "before": BEFORE}


def cases_in(text: str) -> list[dict[str, Any]]:
    """Test cases as JSON, or as JSON in a pickled text, compressed, in base64."""
    try:
        return list(json.loads(text))
    except ValueError:
        return list(json.loads(pickled_text(zlib.decompress(base64.b64decode(text)))))


def pickled_text(data: bytes) -> str:
    operations = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(data)]
    texts = [argument for name, argument in operations if name in TEXTS]
    if len(texts) != 1 or any(name not in HARMLESS | TEXTS for name, _ in operations):
        raise ValueError("hidden tests that are no pickled text")
    return str(texts[0])


def within(cases: Sequence[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """The first cases whose inputs and outputs fit into `limit` characters, at least one."""
    kept, used = list(cases[:1]), 0
    for case in cases[1:]:
        used += len(case["input"]) + len(case["output"])
        if used <= limit:
            kept.append(case)
    return kept


LIVECODEBENCH = Benchmark(
    name="livecodebench",
    title="LiveCodeBench (v6 increment)",
    source="https://github.com/LiveCodeBench/LiveCodeBench",
    paper="https://arxiv.org/abs/2403.07974",
    licence="CC (the hub's card names no version); the problems belong to their contests",
    hub="livecodebench/code_generation_lite",
    splits={"test": "test"},
    files={"test": ("test6.jsonl",)},  # the repository's own loader is a script, which `datasets` no longer runs
    grader="code",
    item=item,
    unchecked="Tested on rows written by hand in the published shape; no reference solution is published to test with.",
)
BENCHMARKS.add(LIVECODEBENCH.name, LIVECODEBENCH)
