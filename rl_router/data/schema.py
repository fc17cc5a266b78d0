"""The schema of a routing table and what every row must satisfy, so that a bad file fails when it is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from sys import float_info

import polars as pl

from rl_router.errors import DataError

SCHEMA: dict[str, type[pl.DataType]] = {
    "dataset": pl.String,
    "split": pl.String,
    "query_id": pl.String,
    "query": pl.String,
    "task": pl.String,
    "ground_truth": pl.String,
    "model": pl.String,
    "score": pl.Float64,
    "cost_usd": pl.Float64,
    "prompt_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
    "response": pl.String,
}
NULLABLE = ("ground_truth", "score", "cost_usd", "prompt_tokens", "completion_tokens", "response")
RANGES = {
    "score": (0.0, 1.0, "scores lie in 0..1"),
    "cost_usd": (0.0, float_info.max, "a cost is zero or more"),
    "prompt_tokens": (0.0, float_info.max, "a count is zero or more"),
    "completion_tokens": (0.0, float_info.max, "a count is zero or more"),
}
ONE_PER_QUERY = {"query": "texts", "split": "splits", "task": "tasks", "ground_truth": "ground truths"}


def checked(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """`frame` with the schema's types, or a DataError that names the first row or column that breaks it."""
    frame = typed(frame, SCHEMA, NULLABLE, where)
    for column, (low, high, rule) in RANGES.items():
        _check_range(frame, column, low, high, rule, where)
    _check_cells(frame, where)
    _check_queries(frame, where)
    return frame


def typed(
    frame: pl.DataFrame, schema: Mapping[str, type[pl.DataType]], nullable: Collection[str], where: str
) -> pl.DataFrame:
    """`frame` with every column of `schema` in its type; nulls only where they may be. Other columns are kept."""
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        raise DataError(f"The {where} lacks the columns {', '.join(missing)}; it needs {', '.join(schema)}.")
    frame = frame.with_columns(_cast(frame[column], dtype, where) for column, dtype in schema.items())
    for column in schema:
        nulls = frame[column].null_count()
        if nulls and column not in nullable:
            raise DataError(f"The {where} has {nulls} rows without a {column!r}; fill it or drop them.")
    return frame


def _cast(series: pl.Series, dtype: type[pl.DataType], where: str) -> pl.Series:
    try:
        cast = series.cast(dtype)
        exact = not series.dtype.is_float() or bool((cast.cast(pl.Float64) == series.cast(pl.Float64)).all())
    except pl.exceptions.PolarsError:
        exact = False
    if not exact:
        raise DataError(
            f"The {where} has {series.name!r} as {series.dtype} with values that are no {dtype.__name__}; "
            f"write that column as {dtype.__name__}."
        )
    return cast


def _check_range(frame: pl.DataFrame, column: str, low: float, high: float, rule: str, where: str) -> None:
    inside = pl.col(column).cast(pl.Float64).is_between(low, high)  # null where unknown, False for NaN
    for row in frame.filter(~inside).head(1).iter_rows(named=True):
        what = f"{column} = {row[column]} for model {row['model']!r} on query {row['query_id']!r}"
        raise DataError(f"The {where} has {what}; {rule}, so correct that row.")


def _check_cells(frame: pl.DataFrame, where: str) -> None:
    twice = frame.filter(pl.struct("query_id", "model").is_duplicated())
    for row in twice.head(1).iter_rows(named=True):
        what = f"model {row['model']!r} on query {row['query_id']!r}"
        raise DataError(f"The {where} has more than one row for {what}; keep one of them.")


def _check_queries(frame: pl.DataFrame, where: str) -> None:
    counts = frame.group_by("query_id", maintain_order=True).agg(pl.col(c).n_unique() for c in ONE_PER_QUERY)
    for column, plural in ONE_PER_QUERY.items():
        for row in counts.filter(pl.col(column) > 1).head(1).iter_rows(named=True):
            what = f"query {row['query_id']!r} {row[column]} different {plural}"
            raise DataError(f"The {where} gives {what}; give each question its own query_id.")
