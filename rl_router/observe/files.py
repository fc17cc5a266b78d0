"""A file is whole or it is not there: atomic writes, and JSON lines of which `kill -9` can cost at most the last."""

from __future__ import annotations

import fcntl
import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from rl_router.errors import CheckpointError


def write_text(path: Path, text: str) -> None:
    """Replace `path` at once: a reader sees the old text or the new one, never half of it."""
    _write_bytes(path, text.encode("utf-8", "replace"))


def write_json(path: Path, value: Any) -> None:
    _write_bytes(path, _to_json(value, indent=2) + b"\n")


def json_text(value: Any) -> str:
    """What `write_json` would write."""
    return _to_json(value, indent=2).decode("utf-8", "replace")


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CheckpointError(f"expected the file {path}, but it is not there: was this run finished?") from None
    except ValueError as error:
        raise CheckpointError(f"{path} is not whole JSON ({error}): delete it and run again") from None


def append_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add one line per row. A line torn by an earlier death is cut off first; several processes may append."""
    append_bytes(path, b"".join(_to_json(row) + b"\n" for row in rows), durable=False)


def append_bytes(path: Path, lines: bytes, *, durable: bool = True) -> None:
    """`append_lines` for lines that are JSON already. `durable`: they are on the disk when it returns."""
    if not lines:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as file, _locked(file):
        _mend_tail(file)
        file.write(lines)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def mend(path: Path) -> None:
    """Cut off a line that an earlier death tore, for a writer that keeps the file open from now on."""
    with open(path, "a+b") as file, _locked(file):
        _mend_tail(file)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Every whole line; no file is no lines, and a torn last line is dropped. A broken line before it is an error."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _parse_object(line)
        if row is not None:
            rows.append(row)
        elif number < len(lines):
            raise CheckpointError(f"line {number} of {path} is not a JSON object: mend or delete that line")
    return rows


def rewrite_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace the whole file at once. No other process may be appending to it."""
    _write_bytes(path, b"".join(_to_json(row) + b"\n" for row in rows))


def _write_bytes(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # mkstemp's 0600 would hide a shared run folder from its other readers
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _to_json(value: Any, indent: int | None = None) -> bytes:
    text = json.dumps(_finite(value), ensure_ascii=False, indent=indent, default=str, allow_nan=False)
    return text.encode("utf-8", "backslashreplace")  # a lone surrogate becomes its own JSON escape


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return _finite(value.tolist()) if hasattr(value, "tolist") else value  # numpy numbers and arrays


def _parse_object(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _mend_tail(file: BinaryIO) -> None:
    """Make the file end with a whole line. An object that parses lost only its newline; anything else is cut off."""
    size = file.seek(0, os.SEEK_END)
    start, tail = size, b""
    while start and b"\n" not in tail:
        step = min(start, 1 << 16)
        start -= step
        file.seek(start)
        tail = file.read(step) + tail
    torn = tail[tail.rfind(b"\n") + 1 :]
    if not torn:
        return
    if _parse_object(torn) is not None:
        file.write(b"\n")  # "a" mode writes at the end wherever the position is
    else:
        file.truncate(size - len(torn))


@contextmanager
def _locked(file: BinaryIO) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
        file.flush()
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
