"""RouteLLM's evaluation files (https://github.com/lm-sys/RouteLLM, routellm/evals) as a table.

A CSV has a column `prompt` and a column of True or False per model, perhaps `MODEL_response` beside it. MT-Bench is a
pair of JSON-lines files: judgements (question_id, model, turn, score 1..10) and questions. What
contaminated_prompts.jsonl lists goes into the split `contaminated`, which RouteLLM leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from rl_router.data.importers.sources import files_in, json_lines, number, table_of, wide_table
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError

RESPONSE = "_response"
HIGHEST_JUDGEMENT = 10


def read_table(paths: Sequence[Path]) -> RoutingTable:
    files = files_in(paths, (".csv", ".jsonl"), "evaluation files of RouteLLM")
    contaminated = {
        (str(line["eval_prompt"]), file.parent)
        for file in files
        if file.name == "contaminated_prompts.jsonl"
        for _, line in json_lines(file)
        if "eval_prompt" in line
    }
    rows: list[dict[str, Any]] = []
    for file in files:
        if file.suffix == ".csv":
            rows += _csv_rows(file, {prompt for prompt, folder in contaminated if folder in file.parents})
        elif file.name == "judgements.jsonl":
            rows += _judgement_rows(file, {prompt for prompt, folder in contaminated if folder == file.parent})
    if not rows:
        raise DataError(f"{paths[0]} holds neither a CSV with a column 'prompt' nor a judgements.jsonl of RouteLLM.")
    return table_of(rows, f"RouteLLM data {paths[0]}")


def _csv_rows(path: Path, contaminated: set[str]) -> Iterator[dict[str, Any]]:
    frame = wide_table(path)
    if "prompt" not in frame.columns:
        raise DataError(f"{path} has no column 'prompt'; a RouteLLM file has it and one column per model.")
    models = [c for c in frame.columns if c != "prompt" and not c.endswith(RESPONSE) and _is_grade(frame[c])]
    if len(models) < 2:
        raise DataError(f"{path} has {len(models)} columns of True and False, and routing needs two models or more.")
    benchmark, _, task = path.stem.partition("_")
    task = benchmark if task in ("", "responses") else task
    for i, row in enumerate(frame.iter_rows(named=True)):
        for model in models:
            yield _row(
                benchmark=benchmark,
                split="contaminated" if row["prompt"] in contaminated else "test",
                query_id=f"{path.stem}/{i}",
                query=row["prompt"],
                task=task,
                model=model,
                score=_grade(row[model]),
                response=row.get(f"{model}{RESPONSE}"),
            )


def _judgement_rows(path: Path, contaminated: set[str]) -> Iterator[dict[str, Any]]:
    """One query per question and turn; its text is the turn, or the last judgement's own question text."""
    lines = json_lines(path.with_name("question.jsonl"))
    questions = {str(line["question_id"]): line for _, line in lines if "question_id" in line and "turns" in line}
    for place, line in json_lines(path):
        question, score, turn = (
            questions.get(str(line.get("question_id"))),
            number(line.get("score")),
            line.get("turn", 1),
        )
        if question is None or "model" not in line or score is None or turn not in (1, 2):
            raise DataError(f"Line {place} of {path} needs question_id (of question.jsonl), model, turn and score.")
        turns = [str(text) for text in question["turns"]]
        yield _row(
            benchmark="mtbench",
            split="contaminated" if contaminated & set(turns) else "test",
            query_id=f"mtbench/{line['question_id']}/{turn}",
            query="\n\n".join(turns[:turn]),
            task=str(question.get("category", "mtbench")),
            model=str(line["model"]),
            score=score / HIGHEST_JUDGEMENT if score >= 0 else None,  # -1: the judge gave no number
            response=None,
        )


def _row(*, benchmark: str, **values: Any) -> dict[str, Any]:
    unknown = {"ground_truth": None, "cost_usd": None, "prompt_tokens": None, "completion_tokens": None}
    return {"dataset": f"routellm_{benchmark}", **unknown, **values}


def _is_grade(series: pl.Series) -> bool:
    values = {str(value).strip().lower() for value in series.drop_nulls().unique()}
    return bool(values) and values <= {"true", "false", "0", "1", "0.0", "1.0"}


def _grade(value: object) -> float | None:
    if value is None:
        return None
    return 1.0 if str(value).strip().lower() in ("true", "1", "1.0") else 0.0
