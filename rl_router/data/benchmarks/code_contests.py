"""CodeContests: problems of programming contests (Codeforces above all), judged by what a program prints."""

from __future__ import annotations

from typing import Any

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.livecodebench import MAX_CHARS, within
from rl_router.data.benchmarks.prompts import CODE, ask


def item(row: Row) -> Item | None:
    """Public tests first, then hidden and generated ones as far as they fit. A problem with a picture is left out."""
    if "<image>" in row["description"]:
        return None
    cases = [case for kind in ("public_tests", "private_tests", "generated_tests") for case in cases_of(row.get(kind))]
    if not cases:
        return None
    kept = within(cases, MAX_CHARS)
    return Item(
        id=str(row["name"]),
        text=ask(f"{row['description'].strip()}\n\nRead stdin and write stdout.", CODE),
        meta={"tests": {"kind": "stdin", "cases": kept}, "tests_left_out": len(cases) - len(kept)},
    )


def cases_of(tests: Any) -> list[dict[str, str]]:
    pairs = zip(tests["input"], tests["output"], strict=True) if tests else ()
    return [{"input": given, "output": wanted} for given, wanted in pairs]


CODE_CONTESTS = Benchmark(
    name="code_contests",
    title="CodeContests",
    source="https://github.com/google-deepmind/code_contests",
    paper="https://arxiv.org/abs/2203.07814",
    licence="CC BY 4.0; the problems belong to their contests",
    hub="deepmind/code_contests",
    splits={"train": "train", "val": "valid", "test": "test"},
    grader="code",
    item=item,
    unchecked="Tested on rows written by hand. Outputs are compared word for word, so a problem with several right "
    "outputs refuses some of them.",
)
BENCHMARKS.add(CODE_CONTESTS.name, CODE_CONTESTS)
