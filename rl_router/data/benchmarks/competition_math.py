"""MATH and its 500-problem test set: competition mathematics with answers in TeX."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import BOXED, ask
from rl_router.data.graders.final_answer import boxed

SUBJECTS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)


def item(row: Row) -> Item:
    answer = row["answer"] if row.get("answer") else boxed(row["solution"])
    if not answer:
        raise ValueError("a solution without a boxed answer")
    meta = {"subject": row.get("subject") or row.get("type"), "level": row.get("level")}
    return Item(
        id=row.get("unique_id"),
        text=ask(row["problem"], BOXED),
        answers=(answer,),
        meta={key: value for key, value in meta.items() if value is not None},
    )


MATH = Benchmark(
    name="math",
    title="MATH",
    source="https://github.com/hendrycks/math",
    paper="https://arxiv.org/abs/2103.03874",
    licence="MIT",
    hub="EleutherAI/hendrycks_math",
    configs=SUBJECTS,
    splits={"train": "train", "test": "test"},
    grader="maths",
    item=item,
)
MATH_500 = Benchmark(
    name="math500",
    title="MATH-500",
    source="https://github.com/openai/prm800k",
    paper="https://arxiv.org/abs/2305.20050",
    licence="MIT",
    hub="HuggingFaceH4/MATH-500",
    splits={"test": "test"},
    grader="maths",
    item=item,
)
BENCHMARKS.add(MATH.name, MATH)
BENCHMARKS.add(MATH_500.name, MATH_500)
