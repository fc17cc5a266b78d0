"""Parquet in and out: a file that cannot be read is one sentence, and a file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import polars as pl

from rl_router.errors import DataError


def read_parquet(path: Path | str, what: str) -> pl.DataFrame:
    """The rows of `path`, of which there is at least one. `what` says in errors what the file should hold."""
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no {what} at {path}; name a parquet file that exists.")
    try:
        frame = pl.read_parquet(path, glob=False, hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(
            f"{path} cannot be read as a parquet file ({reason}); write it again or name another."
        ) from None
    if frame.is_empty():
        raise DataError(f"The {what} {path} has no rows; write it again or name another.")
    return frame


def write_parquet(frame: pl.DataFrame, path: Path | str, what: str) -> None:
    """Write so that `path` holds all of `frame` or what it held before."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(partial, compression="zstd")
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"No {what} can be written to {path} ({error.strerror}); name another place.") from None
    finally:
        partial.unlink(missing_ok=True)
