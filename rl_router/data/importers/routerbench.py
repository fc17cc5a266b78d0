"""RouterBench's wide table (https://arxiv.org/abs/2403.12031), exported to csv or parquet.

One row per query: sample_id, prompt, eval_name, and per model its score `MODEL`, `MODEL|model_response` and
`MODEL|total_cost` in USD. Prompts and responses may be Python lists written as text. Published copies store some
questions as two rows, one model's scores apart from the others'; rows of one prompt and eval_name whose models do not
overlap are joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from rl_router.data.importers.sources import files_in, literal, number, split_of, table_of, wide_table
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError

COST, RESPONSE = "|total_cost", "|model_response"
NEEDED = ("sample_id", "prompt", "eval_name")


def read_table(paths: Sequence[Path]) -> RoutingTable:
    """Files of several splits are told apart by their names."""
    suffixes = (".csv", ".parquet", ".pkl", ".pickle")
    wide: list[tuple[dict[str, Any], list[str], str]] = []  # a row, the models that answered, its split
    for file in files_in(paths, suffixes, "tables of RouterBench"):
        frame = wide_table(file)
        models = _models(frame, file)
        for row in frame.iter_rows(named=True):
            wide.append((row, [model for model in models if number(row[model]) is not None], split_of(file)))
    wide.sort(key=lambda part: -len(part[1]))  # a question's fullest row says its id and split
    queries: dict[tuple[str, str], _Question] = {}
    rows = [cell for row, answered, split in wide for cell in _cells(queries, row, answered, split)]
    return table_of(rows, f"RouterBench data {paths[0]}")


@dataclass
class _Question:
    query_id: str
    split: str
    models: set[str] = field(default_factory=set)


def _models(frame: pl.DataFrame, path: Path) -> list[str]:
    missing = [column for column in NEEDED if column not in frame.columns]
    models = [column.removesuffix(COST) for column in frame.columns if column.endswith(COST)]
    if missing or not models:
        lacks = ", ".join(missing) or f"columns that end in {COST}"
        raise DataError(f"{path} lacks {lacks}; a RouterBench table has {', '.join(NEEDED)} and MODEL{COST}.")
    absent = [model for model in models if model not in frame.columns]
    if absent:
        raise DataError(f"{path} has a cost of {absent[0]!r} but no column of its scores.")
    return models


def _cells(
    questions: dict[tuple[str, str], _Question], row: dict[str, Any], answered: list[str], split: str
) -> list[dict[str, Any]]:
    text, task = _text(row["prompt"]) or "", str(row["eval_name"])
    question = questions.setdefault((task, text), _Question(str(row["sample_id"]), split))
    if question.models & set(answered):  # the same question asked again: a query of its own
        question = _Question(str(row["sample_id"]), split)
    question.models |= set(answered)
    return [
        {
            "dataset": "routerbench",
            "split": question.split,
            "query_id": question.query_id,
            "query": text,
            "task": task,
            "ground_truth": None,
            "model": model,
            "score": number(row[model]),
            "cost_usd": number(row[f"{model}{COST}"]),
            "prompt_tokens": None,
            "completion_tokens": None,
            "response": _text(row.get(f"{model}{RESPONSE}")),
        }
        for model in answered
    ]


def _text(cell: object) -> str | None:
    """Turns of a list written as text, joined; any other cell as it stands."""
    value = literal(cell) if isinstance(cell, str) and cell.lstrip().startswith("[") else cell
    return None if cell is None else "\n".join(map(str, value)) if isinstance(value, list) else str(cell)
