"""Reading what other projects wrote: every refusal says which file and line, and what it should hold."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import polars as pl

from rl_router.data.parquet import read_parquet
from rl_router.data.schema import SCHEMA
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError


def files_in(paths: Sequence[Path], suffixes: Sequence[str], what: str) -> list[Path]:
    """The files of these kinds among `paths` and below its folders, in a fixed order; there is at least one."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if file.suffix in suffixes and file.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"There is no file or folder {path}; name the {what}.")
    if not found:
        raise DataError(f"{', '.join(map(str, paths))} holds no {what} ({', '.join(suffixes)}).")
    return found


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no UTF-8 text; name the file that was meant.") from None


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and object; blank lines are passed over."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                value = None
            if not isinstance(value, dict):
                raise DataError(f"Line {number} of {path} is no JSON object; mend or remove it.")
            yield number, value


def json_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not valid JSON ({error}).") from None
    if not isinstance(value, dict):
        raise DataError(f"Expected a JSON object in {path}, got {type(value).__name__}.")
    return value


def wide_table(path: Path) -> pl.DataFrame:
    """A csv or parquet file with columns per model. Pickles can run code when read, so they never are."""
    if path.suffix in (".pkl", ".pickle"):
        raise DataError(
            f"{path} is a pickle, and reading one can run any code; write it as parquet with the tool that made it, "
            f"as in pandas.read_pickle(…).to_parquet(…)."
        )
    if path.suffix == ".parquet":
        return read_parquet(path, "wide routing table")
    try:
        return pl.read_csv(path, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path} cannot be read as CSV ({reason}).") from None


def literal(text: object) -> Any:
    """What a Python or JSON literal in a cell stands for, the cell itself when it is none. Nothing is executed."""
    if not isinstance(text, str):
        return text
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return text


def answers_text(value: object) -> str | None:
    """A ground truth as a table stores it: a text, or a JSON list of accepted texts."""
    if value is None or value == "":
        return None
    if isinstance(value, dict):  # Router-R1 and Search-R1: {"target": [...]}
        value = value.get("target", value)
    if isinstance(value, list | tuple):
        accepted = [answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False) for answer in value]
        return accepted[0] if len(accepted) == 1 else json.dumps(accepted, ensure_ascii=False)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def number(value: object) -> float | None:
    """A finite number, None for anything that is none: NaN is how pandas writes that nothing is known."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def table_of(
    rows: Sequence[Mapping[str, Any]], where: str, extra: Mapping[str, type[pl.DataType]] | None = None
) -> RoutingTable:
    """The checked table of `rows`, with the schema's columns and the `extra` ones."""
    try:
        frame = pl.DataFrame(rows, schema={**SCHEMA, **(extra or {})}, infer_schema_length=None)
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
        reason = " ".join(str(error).split())[:160]
        raise DataError(f"The {where} holds a value of another kind than its column ({reason}); mend it.") from None
    return RoutingTable(frame, where=where)


def split_of(path: Path) -> str:
    """The split that a file's name says, `train` when it says none."""
    name = path.stem.lower()
    return next((split for split in ("test", "val", "train") if split in name), "train")
