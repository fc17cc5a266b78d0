"""Everything that keeps a frame from being a routing table, where `RoutingTable` would stop at the first."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from rl_router.data.checks.finding import Finding, Kind, some
from rl_router.data.schema import NULLABLE, ONE_PER_QUERY, RANGES, SCHEMA

NEEDED_FOR_MORE = ("query_id", "query", "model", "score")
"""Columns without which no other check can be made."""


def schema_findings(frame: pl.DataFrame) -> list[Finding]:
    present = typed_columns(frame)
    return [
        *_missing(frame),
        *_types(frame, present),
        *_nulls(frame),
        *_ranges(present),
        *_cells(present),
        *_queries(present),
    ]


def typed_columns(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with each column of the schema in its type, null where a value does not fit."""
    return frame.with_columns(_cast(frame[c], t) for c, t in SCHEMA.items() if c in frame.columns)


def _cast(series: pl.Series, dtype: type[pl.DataType]) -> pl.Series:
    if series.dtype.is_nested():
        return pl.Series(series.name, [None] * len(series), dtype=dtype)
    return series.cast(dtype, strict=False)


def usable_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """What the other checks can read: typed, whole keys, one row per cell, scores in range, absent columns empty.

    Without one of `NEEDED_FOR_MORE` nothing is usable.
    """
    if any(column not in frame.columns for column in NEEDED_FOR_MORE):
        return pl.DataFrame(schema=SCHEMA)
    frame = typed_columns(frame).with_columns(
        pl.lit(None if c in NULLABLE else "", dtype=t).alias(c) for c, t in SCHEMA.items() if c not in frame.columns
    )
    in_range = [pl.col(c).cast(pl.Float64).is_between(low, high) for c, (low, high, _) in RANGES.items()]
    values = (pl.when(inside).then(pl.col(c)).alias(c) for c, inside in zip(RANGES, in_range, strict=True))
    kept = frame.with_columns(values).drop_nulls([c for c in SCHEMA if c not in NULLABLE])
    return kept.unique(["query_id", "model"], keep="first", maintain_order=True)


def _missing(frame: pl.DataFrame) -> Iterator[Finding]:
    missing = [column for column in SCHEMA if column not in frame.columns]
    if missing:
        text = f"lacks the columns {', '.join(missing)}; a table has {', '.join(SCHEMA)}"
        yield Finding(kind=Kind.SCHEMA, text=text, count=len(missing))


def _types(frame: pl.DataFrame, typed: pl.DataFrame) -> Iterator[Finding]:
    for column, dtype in SCHEMA.items():
        if column not in frame.columns:
            continue
        raw, cast = frame[column], typed[column]
        bad = raw.is_not_null() & cast.is_null()
        if raw.dtype.is_float() and dtype is pl.Int64:
            bad = bad | (cast.cast(pl.Float64) != raw.cast(pl.Float64)).fill_null(False)
        if bad.any():
            text = f"{column!r} holds {raw.dtype} values that are no {dtype.__name__}"
            yield Finding(kind=Kind.SCHEMA, text=text, count=int(bad.sum()), examples=some(raw.filter(bad)))


def _nulls(frame: pl.DataFrame) -> Iterator[Finding]:
    for column in SCHEMA:
        if column in NULLABLE or column not in frame.columns:
            continue
        series = frame[column]
        empty = series.null_count()
        if series.dtype == pl.String and column in ("query_id", "query", "model"):
            empty = int((series.is_null() | (series.str.strip_chars() == "")).sum())
        if empty:
            yield Finding(kind=Kind.SCHEMA, text=f"rows without a {column!r}; fill it or drop them", count=empty)


def _ranges(frame: pl.DataFrame) -> Iterator[Finding]:
    for column, (low, high, rule) in RANGES.items():
        if column not in frame.columns:
            continue
        bad = frame.filter(~pl.col(column).cast(pl.Float64).is_between(low, high))
        if bad.height:
            kind = Kind.SCORE if column == "score" else Kind.PRICE if column == "cost_usd" else Kind.SCHEMA
            above = column == "score" and bool((bad[column].fill_nan(0) > 1).any())
            scale = "; they may be percentages" if above else ""
            text = f"impossible values in {column!r}: {rule}{scale}"
            yield Finding(kind=kind, text=text, count=bad.height, examples=_cell_examples(bad, column))


def _cell_examples(frame: pl.DataFrame, column: str) -> tuple[str, ...]:
    if not {"query_id", "model"} <= set(frame.columns):
        return some(frame[column])
    rows = frame.select("query_id", "model", column).iter_rows()
    return some(f"{query_id} of {model}: {value}" for query_id, model, value in rows)


def _cells(frame: pl.DataFrame) -> Iterator[Finding]:
    if not {"query_id", "model"} <= set(frame.columns):
        return
    twice = frame.group_by("query_id", "model", maintain_order=True).len().filter(pl.col("len") > 1)
    if twice.height:
        text = "query and model with more than one row; keep one of them"
        examples = some(f"{q} of {m}: {n} rows" for q, m, n in twice.head(10).iter_rows())
        yield Finding(kind=Kind.SCHEMA, text=text, count=twice.height, examples=examples)


def _queries(frame: pl.DataFrame) -> Iterator[Finding]:
    if "query_id" not in frame.columns:
        return
    for column, plural in ONE_PER_QUERY.items():
        if column in frame.columns:
            counts = frame.group_by("query_id", maintain_order=True).agg(pl.col(column).n_unique())
            several = counts.filter(pl.col(column) > 1)["query_id"]
            if len(several):
                text = f"query ids with different {plural}; give each question its own query_id"
                yield Finding(kind=Kind.SCHEMA, text=text, count=len(several), examples=some(several))
