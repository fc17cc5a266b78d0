"""The lines of a run: one JSON object per (router, seed, query), with a list entry per setting, appended and never
rewritten while it goes on. Everything that a table says is in them.

    {"router": "knn", "seed": 0, "block": "decide", "query_id": "gsm8k/7", "dataset": "gsm8k",
     "task": "gsm8k", "cost_reference_usd": 0.005, "cost_weights": [0.0, 0.5],
     "models": [["large"], ["small"]], "quality": [1.0, 0.0], "cost_usd": [0.004, 0.0002], …}

A column of which nothing is known, or that is zero throughout, is left out. Lines are written by polars and read by
arrow, whole batches at a time.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.json as arrow_json

from rl_router.errors import CheckpointError
from rl_router.evaluation.suite.played import NUMBERS, USUALLY_ZERO, Calls, Played
from rl_router.observe.files import append_bytes, write_text
from rl_router.types import Mode

Key = tuple[str, int]
"""(router, seed): what is played as a whole."""

_COUNTS = ("prompt_tokens", "completion_tokens", "failed_calls")
_TYPES = {name: pl.Int64 if name in _COUNTS else pl.Float64 for name in NUMBERS} | {"truncated": pl.Boolean}
SCHEMA: dict[str, pl.DataType] = {
    "router": pl.String(),
    "seed": pl.Int64(),
    "block": pl.String(),
    "query_id": pl.String(),
    "dataset": pl.String(),
    "task": pl.String(),
    "cost_reference_usd": pl.Float64(),
    "cost_weights": pl.List(pl.Float64),
    "models": pl.List(pl.List(pl.String)),
    **{name: pl.List(kind) for name, kind in _TYPES.items()},
}
BLOCK_BYTES = 1 << 23
"""No line may be longer: one of 1,000 settings has about 1 MB."""


def append(path: Path, played: Played) -> None:
    """Add a line per query in one durable write."""
    buffer = io.BytesIO()
    frame_of(played).write_ndjson(buffer)
    append_bytes(path, buffer.getvalue())


def rewrite(path: Path, frame: pl.DataFrame) -> None:
    """Replace the file by these lines, at once."""
    buffer = io.StringIO()
    frame.select(s for s in frame if s.null_count() < len(s)).write_ndjson(buffer)
    write_text(path, buffer.getvalue())


def frame_of(played: Played) -> pl.DataFrame:
    n, w = len(played.query_ids), len(played.cost_weights)
    columns: dict[str, Any] = {
        "router": pl.repeat(played.router, n),
        "seed": pl.repeat(played.seed, n),
        "block": pl.repeat(played.block.value, n),
        "query_id": pl.Series(played.query_ids, dtype=pl.String),
        "dataset": pl.Series(played.datasets, dtype=pl.String),
        "task": pl.Series(played.tasks, dtype=pl.String),
        "cost_reference_usd": pl.repeat(played.cost_reference_usd, n),
        "cost_weights": pl.Series(list(played.cost_weights) * n, dtype=pl.Float64).reshape((n, w)).arr.to_list(),
        "models": _nested(played.calls, w),
    }
    for name, kind in _TYPES.items():
        values = np.asarray(getattr(played, name), dtype=np.float64)
        if not (np.isnan(values) if name not in USUALLY_ZERO else values == 0).all():
            flat = pl.Series(values.T.ravel()).fill_nan(None)
            columns[name] = flat.cast(kind).reshape((n, w)).arr.to_list()
    return pl.select(**columns)


def _nested(calls: Calls, w: int) -> pl.Series:
    """Names by query and setting: two list layers over one flat column, nothing built per query."""
    names = pa.array(calls.names, pa.string()).take(pa.array(calls.codes))
    ends = np.cumsum(calls.counts.ravel())
    of_setting = pa.LargeListArray.from_arrays(pa.array(np.concatenate([[0], ends])), names.cast(pa.large_string()))
    starts = pa.array(np.arange(0, len(ends) + 1, w))
    return pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(starts, of_setting)))


def read(path: Path) -> tuple[pl.DataFrame, bool]:
    """Every whole line, and whether a torn one was dropped at the end. No file is no lines."""
    data = path.read_bytes() if path.is_file() else b""
    end = data.rfind(b"\n") + 1
    torn = bool(data[end:].strip())
    if torn and _is_whole(data[end:]):  # it only lost its line break
        torn, end = False, len(data)
    if not data[:end].strip():
        return pl.DataFrame(schema=SCHEMA), torn
    try:
        frame = _parsed(data[:end])
    except (pa.ArrowInvalid, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(
            f"a line of {path} is not one of an evaluation ({reason}): mend it, or start over with resume=false"
        ) from None
    return _checked(frame, path), torn


def _parsed(data: bytes) -> pl.DataFrame:
    schema = pa.schema([(name, _arrow_type(kind)) for name, kind in SCHEMA.items()])
    table = arrow_json.read_json(
        pa.BufferReader(data),
        read_options=arrow_json.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )
    return pl.DataFrame(table.select(list(SCHEMA)))


def _arrow_type(kind: Any) -> pa.DataType:
    if isinstance(kind, pl.List):
        return pa.list_(_arrow_type(kind.inner))
    return {pl.String(): pa.string(), pl.Int64(): pa.int64(), pl.Boolean(): pa.bool_()}.get(kind, pa.float64())


def missing(frame: pl.DataFrame, key: Key, query_ids: Mapping[str, int]) -> np.ndarray:
    """Places of the queries that this router and seed have no line for, in order."""
    mine = frame.filter((pl.col("router") == key[0]) & (pl.col("seed") == key[1]))
    done = {query_ids[query_id] for query_id in mine["query_id"] if query_id in query_ids}
    return np.array([place for place in range(len(query_ids)) if place not in done], dtype=int)


def played_of(frame: pl.DataFrame) -> dict[Key, Played]:
    """What each router and seed came to, in the order of their first lines; of a query told twice the first counts."""
    parts = frame.partition_by("router", "seed", maintain_order=True, as_dict=True)
    return {(str(router), int(seed)): _played(part) for (router, seed), part in parts.items()}


def _played(part: pl.DataFrame) -> Played:
    part = part.unique(subset="query_id", keep="first", maintain_order=True)
    n, weights = len(part), part["cost_weights"][0].to_list()
    w = len(weights)

    def matrix(name: str) -> np.ndarray:
        column = part[name]
        if column.null_count() == n:
            return np.full((w, n), 0.0 if name in USUALLY_ZERO else np.nan)
        flat = column.fill_null([None] * w).explode().cast(pl.Float64).fill_null(float("nan"))
        return flat.to_numpy().reshape(n, w).T

    return Played(
        router=part["router"][0],
        seed=part["seed"][0],
        block=Mode(part["block"][0]),
        cost_reference_usd=part["cost_reference_usd"][0],
        cost_weights=tuple(weights),
        query_ids=tuple(part["query_id"]),
        datasets=tuple(part["dataset"].fill_null("")),
        tasks=tuple(part["task"]),
        calls=_calls(part["models"], w),
        **{name: matrix(name) for name in NUMBERS},
    )


def _calls(models: pl.Series, w: int) -> Calls:
    of_setting = models.explode()
    counts = of_setting.list.len().to_numpy().reshape(-1, w)
    flat = of_setting.explode().drop_nulls()
    names = tuple(flat.unique(maintain_order=True))
    codes = flat.replace_strict(names, range(len(names)), return_dtype=pl.Int64) if names else pl.Series(dtype=pl.Int64)
    return Calls(names=names, codes=codes.to_numpy(), counts=counts.astype(int))


def _checked(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    """A CheckpointError when some line lacks what every line has, or has not an entry for each setting."""
    for name in (
        "router",
        "seed",
        "block",
        "query_id",
        "task",
        "cost_reference_usd",
        "cost_weights",
        "models",
    ):
        if frame[name].null_count():
            raise CheckpointError(f"a line of {path} has no {name!r}: mend it, or start over with resume=false")
    sizes = frame["cost_weights"].list.len()
    for name in ("models", *NUMBERS):
        if not (frame[name].list.len().fill_null(sizes) == sizes).all():
            raise CheckpointError(f"a line of {path} has not one {name!r} per setting: start over with resume=false")
    return frame


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
