"""BIG-Bench Hard: 27 kinds of puzzles. Lettered ones are graded by their letter, all others by their exact words."""

from __future__ import annotations

import re

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.loading import CONFIG
from rl_router.data.benchmarks.prompts import CHOOSE, ask

FORM = "End with a line that says `Answer: ` and the answer alone, in the form that the question uses."
LETTER = re.compile(r"\(([A-Z])\)")
OPTION = re.compile(r"^\(([A-Z])\) ?(.*)$", re.MULTILINE)
TASKS = (
    "boolean_expressions",
    "causal_judgement",
    "date_understanding",
    "disambiguation_qa",
    "dyck_languages",
    "formal_fallacies",
    "geometric_shapes",
    "hyperbaton",
    "logical_deduction_five_objects",
    "logical_deduction_seven_objects",
    "logical_deduction_three_objects",
    "movie_recommendation",
    "multistep_arithmetic_two",
    "navigate",
    "object_counting",
    "penguins_in_a_table",
    "reasoning_about_colored_objects",
    "ruin_names",
    "salient_translation_error_detection",
    "snarks",
    "sports_understanding",
    "temporal_sequences",
    "tracking_shuffled_objects_five_objects",
    "tracking_shuffled_objects_seven_objects",
    "tracking_shuffled_objects_three_objects",
    "web_of_lies",
    "word_sorting",
)


def item(row: Row) -> Item:
    text, target = row["input"], row["target"].strip()
    task = row.get(CONFIG) or row.get("task") or ""
    letter = LETTER.fullmatch(target)
    choices = {label: option.strip() for label, option in OPTION.findall(text)} if letter else {}
    if letter and letter.group(1) in choices:
        return Item(
            text=ask(text, CHOOSE),
            answers=(letter.group(1),),
            choices=choices,
            task=f"bbh/{task}" if task else "",
            grader="choice",
        )
    return Item(text=ask(text, FORM), answers=(target,), task=f"bbh/{task}" if task else "")


BBH = Benchmark(
    name="bbh",
    title="BIG-Bench Hard",
    source="https://github.com/suzgunmirac/BIG-Bench-Hard",
    paper="https://arxiv.org/abs/2210.09261",
    licence="MIT",
    hub="SaylorTwift/bbh",  # a parquet copy of the authors' files, which the hub's lukaemon/bbh reads by a script
    configs=TASKS,
    splits={"test": "test"},
    grader="exact_match",
    item=item,
)
BENCHMARKS.add(BBH.name, BBH)
