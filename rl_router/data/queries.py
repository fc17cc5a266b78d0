"""The queries file: one row per question with all that it takes to ask it and to grade any answer to it.

`rl-router data queries` writes it and `collect` reads it; a routing table made from it keeps its columns, so that every
answer in a table can be graded again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from rl_router.data.parquet import read_parquet, write_parquet
from rl_router.data.schema import typed
from rl_router.errors import DataError
from rl_router.types import Query

QUERY_SCHEMA: dict[str, type[pl.DataType]] = {
    "dataset": pl.String,  # the benchmark's name, as in `rl-router list benchmarks`
    "split": pl.String,  # train, val or test
    "query_id": pl.String,  # unique in the file: dataset/split/the source's own id
    "query": pl.String,  # the whole prompt: choices and unit tests are in it
    "task": pl.String,  # the row of a per-task table: the benchmark or its subject
    "ground_truth": pl.String,  # one answer, or a JSON list of all accepted ones; null where no answer is known
    "grader": pl.String,  # a name of `rl-router list graders`
    "choices": pl.String,  # JSON object, label to option, {} where there are none
    "meta": pl.String,  # JSON object with what the grader or the request needs: tests, tools, images, precision …
}
QUERY_NULLABLE = ("ground_truth",)
EMPTY = "{}"
"""The JSON object of most questions in `choices` or `meta`, which nobody needs to parse."""
IMAGES = "images"
"""The key of `meta` that holds a question's images as URLs, `data:` ones included."""


def write_queries(path: Path | str, queries: Sequence[Query]) -> None:
    """Write a queries file, whole or not at all."""
    write_parquet(checked_queries(queries_frame(queries), "new queries file"), path, "queries file")


def read_queries(path: Path | str) -> list[Query]:
    """The questions of a queries file, or a DataError that names what is wrong with it."""
    frame = checked_queries(read_parquet(path, "queries file"), f"queries file {path}")
    return [query_of(row) for row in frame.iter_rows(named=True)]


def queries_frame(queries: Sequence[Query]) -> pl.DataFrame:
    """One row per question, in order, with the columns of QUERY_SCHEMA."""
    return pl.DataFrame([row_of(query) for query in queries], schema=QUERY_SCHEMA)


def checked_queries(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    frame = typed(frame, QUERY_SCHEMA, QUERY_NULLABLE, where)
    for row in frame.filter(pl.col("query_id").is_duplicated()).head(1).iter_rows(named=True):
        raise DataError(f"The {where} has the query_id {row['query_id']!r} more than once; give each question its own.")
    for column in ("choices", "meta"):
        for query_id, text in frame.filter(pl.col(column) != EMPTY).select("query_id", column).iter_rows():
            if not isinstance(_json(text), dict):
                raise DataError(
                    f"The {where} has no JSON object in {column!r} of {query_id!r}; write {{}} for nothing."
                )
    return frame


def row_of(query: Query) -> dict[str, str | None]:
    """The columns of a question, the same in a queries file and in a routing table."""
    return {
        "dataset": query.dataset,
        "split": query.split,
        "query_id": query.query_id,
        "query": query.text,
        "task": query.task,
        "ground_truth": dump_answers(query.answers),
        "grader": query.grader,
        "choices": json.dumps(dict(query.choices), ensure_ascii=False) if query.choices else EMPTY,
        "meta": json.dumps(dict(query.meta), ensure_ascii=False) if query.meta else EMPTY,
    }


def query_of(row: Mapping[str, Any]) -> Query:
    """The question of a row; a table from elsewhere has no grader, choices or meta."""
    truth = row["ground_truth"]
    return Query(
        query_id=str(row["query_id"]),
        text=str(row["query"]),
        answers=() if truth is None else parse_answers(str(truth)),
        task=str(row["task"]),
        split=str(row["split"]),
        dataset=str(row["dataset"]),
        grader=str(row.get("grader") or ""),
        choices={str(label): str(text) for label, text in _object(row, "choices").items()},
        meta=_object(row, "meta"),
    )


def message_content(query: Query, prompt: str) -> str | list[dict[str, Any]]:
    """`prompt` as the content of a chat message: text, or OpenAI content parts when the question has images."""
    images = query.meta.get(IMAGES) or ()
    if not images:
        return prompt
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": str(url)}} for url in images]
    return [*parts, {"type": "text", "text": prompt}]


def parse_answers(ground_truth: str) -> tuple[str, ...]:
    """The aliases of a JSON list of texts; anything else is one answer as it stands, a list of numbers included."""
    if not ground_truth.lstrip().startswith("["):
        return (ground_truth,)
    aliases = _json(ground_truth)
    if isinstance(aliases, list) and aliases and all(isinstance(alias, str) for alias in aliases):
        return tuple(aliases)
    return (ground_truth,)


def dump_answers(answers: Sequence[str]) -> str | None:
    """What `parse_answers` reads back as the same answers; None when there is none."""
    if not answers:
        return None
    if len(answers) == 1 and parse_answers(answers[0]) == (answers[0],):
        return answers[0]
    return json.dumps(list(answers), ensure_ascii=False)


def _object(row: Mapping[str, Any], column: str) -> dict[str, Any]:
    """The JSON object of a column. Tables of other projects lack it, or mean something else by its name."""
    text = row.get(column)
    value = {} if text == EMPTY else _json(text)
    return value if isinstance(value, dict) else {}


def _json(text: object) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
