"""Rows of a benchmark from a local file or folder, or from the Hugging Face hub. No code of a data set is ever run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rl_router.data.benchmarks.benchmark import Benchmark, Row
from rl_router.data.parquet import read_parquet
from rl_router.errors import DataError

SUFFIXES = (".parquet", ".jsonl", ".json")
CONFIG = "_config"
"""The key under which a row says which of the source's configurations it comes from."""


def load_rows(benchmark: Benchmark, split: str, path: Path | None = None) -> Iterator[Row]:
    """The rows of one split, from `path` where it is given. A folder is searched for files named after the split."""
    theirs = benchmark.their_split(split)
    if path is not None:
        rows = local_rows(path, split, theirs, benchmark.configs)
    elif benchmark.files:
        rows = (row for name in benchmark.files[split] for row in read_rows(hub_file(benchmark, name)))
    else:
        rows = hub_rows(benchmark, theirs)
    return merged(rows, benchmark.merge_on) if benchmark.merge_on else iter(rows)


def local_rows(path: Path, split: str, theirs: str, configs: tuple[str, ...] = ()) -> Iterator[Row]:
    """A file holds one split, unless its rows say theirs in a column `split`; of a folder, the files of that split."""
    if path.is_file():
        for row in read_rows(path):
            if row.get("split", split) in (split, theirs):
                yield row
        return
    if not path.is_dir():
        raise DataError(f"There is no file or folder {path}; name a .parquet or .jsonl file, or a folder of them.")
    name = re.compile(rf"({re.escape(theirs)}|{re.escape(split)})([-_.].*)?", re.IGNORECASE)
    files = [file for file in sorted(path.rglob("*")) if file.suffix in SUFFIXES and name.fullmatch(file.stem)]
    if not files:
        raise DataError(f"{path} has no .parquet or .jsonl file whose name begins with {theirs!r} or {split!r}.")
    for file in files:
        config = next((config for config in configs if config in file.parts), None)
        yield from (row if config is None else {**row, CONFIG: config} for row in read_rows(file))


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of parquet, of JSON lines, or of one JSON list (also under the key `examples`)."""
    if path.suffix == ".parquet":
        yield from read_parquet(path, "benchmark file").iter_rows(named=True)
        return
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path} is no benchmark file; it should end in one of {', '.join(SUFFIXES)}.")
    text = path.read_text(encoding="utf-8")
    rows = _whole(text)
    if rows is not None:
        yield from rows
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"Line {number} of {path} is no JSON ({error}); correct that line.") from None
            if not isinstance(row, dict):
                raise DataError(f"Line {number} of {path} is no JSON object; correct that line.")
            yield row


def hub_rows(benchmark: Benchmark, theirs: str) -> Iterator[Row]:
    try:
        from datasets import load_dataset
    except ImportError:
        raise DataError(
            f"Loading {benchmark.hub} from the hub needs the package datasets: pip install 'rl-router[data]', or name "
            f"a local file as its path."
        ) from None
    for config in benchmark.configs or (None,):
        try:
            rows = load_dataset(benchmark.hub, config, split=theirs)
        except Exception as error:  # the hub's errors have no common base
            raise _unreachable(benchmark, theirs if config is None else f"{config}/{theirs}", error) from None
        yield from (row if config is None else {**row, CONFIG: config} for row in rows)


def hub_file(benchmark: Benchmark, name: str) -> Path:
    try:
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(benchmark.hub, name, repo_type="dataset"))
    except Exception as error:
        raise _unreachable(benchmark, name, error) from None


def merged(rows: Iterable[Row], key: str) -> Iterator[Row]:
    """Rows with one value of `key` as one row: questions and their answers in files of their own."""
    whole: dict[Any, dict[str, Any]] = {}
    for row in rows:
        whole.setdefault(row[key], {}).update(row)
    return iter(whole.values())


def _unreachable(benchmark: Benchmark, what: str, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DataError(
        f"{benchmark.name} ({what} of {benchmark.hub}) cannot be loaded from the hub ({reason}); see if there is a "
        f"network and if the set asks you to log in, or name a local copy as its path."
    )


def _whole(text: str) -> list[Row] | None:
    """The rows of a file that is one JSON value, None when it is JSON lines."""
    if text[:1] not in "[{":
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if isinstance(value, Mapping) and isinstance(value.get("examples"), list):
        value = value["examples"]
    return value if isinstance(value, list) and all(isinstance(row, Mapping) for row in value) else None
