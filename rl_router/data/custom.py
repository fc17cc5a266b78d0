"""Your own benchmarks, graders and metrics, in a Python file beside your recipe; the library is not edited.

    from rl_router.data.custom import Item, benchmark, grader, metric

    @grader("one_word", description="right answer in a single word")
    def one_word(response, query):
        return 1.0 if response.split() == list(query.answers) else 0.0

    @benchmark("capitals", grader="one_word", licence="CC0")
    def capitals(row):
        return Item(text=row["question"], answers=(row["answer"],))

    @metric("right_per_usd")
    def right_per_usd(quality, cost_usd):
        return float(quality.sum() / cost_usd.sum())

Files are named by a recipe, or lie in ./custom_tasks; nothing else is run. Whatever goes wrong in one is an error that
names file and line.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from rl_router.data.benchmarks import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.graders import GRADERS, Grader
from rl_router.data.registry import Registry
from rl_router.errors import DataError
from rl_router.observe.console import say
from rl_router.types import Query

__all__ = ["Item", "METRICS", "Row", "benchmark", "grader", "load_custom_tasks", "metric"]

FOLDER = Path("custom_tasks")
GRADER_FILE = "grader_file"
"""The key of a question's `meta` that says which file of custom tasks its grader comes from."""
SPLITS = {"train": "train", "val": "val", "test": "test"}

Metric = Callable[[np.ndarray, np.ndarray], float]
"""Quality [n] and cost in USD [n] of the model that a router chose for each query, NaN where unknown, to one number."""
METRICS: Registry[Metric] = Registry("metric")


def benchmark(
    name: str,
    *,
    grader: str,
    licence: str = "",
    source: str = "",
    paper: str = "",
    hub: str = "",
    splits: Mapping[str, str] = SPLITS,
) -> Callable[[Callable[[Row], Item | None]], Callable[[Row], Item | None]]:
    """Register a function of one row as a benchmark. Its rows come from a `path` of the recipe, or from `hub`."""

    def register(item: Callable[[Row], Item | None]) -> Callable[[Row], Item | None]:
        where = _where(item)
        BENCHMARKS.add(
            name,
            Benchmark(
                name=name,
                title=(item.__doc__ or name).strip().partition("\n")[0],
                source=source or where,
                paper=paper,
                licence=licence,
                hub=hub,
                splits=dict(splits),
                grader=grader,
                item=_naming(item, f"benchmark {name!r}"),
            ),
            where,
        )
        return item

    return register


def grader(
    name: str, *, description: str = "", blocks: bool = False
) -> Callable[[Callable[[str, Query], float | None]], Callable[[str, Query], float | None]]:
    """Register a function of a reply and its question as a grader. `blocks` runs it in a thread of its own."""

    def register(grade: Callable[[str, Query], float | None]) -> Callable[[str, Query], float | None]:
        text = description or (grade.__doc__ or "").strip().partition("\n")[0]
        made = Grader(name=name, description=text, grade=_naming(grade, f"grader {name!r}"), blocks=blocks)
        GRADERS.add(name, made, _where(grade))
        return grade

    return register


def metric(name: str) -> Callable[[Metric], Metric]:
    """Register a function of what a router's choices came to: quality [n] and cost in USD [n]."""

    def register(measure: Metric) -> Metric:
        METRICS.add(name, _naming(measure, f"metric {name!r}"), _where(measure))
        return measure

    return register


def load_custom_tasks(path: Path | str | None = None) -> list[Path]:
    """Run the file, or the .py files of the folder, that `path` names; without one those of ./custom_tasks, if any.

    A file is run once per process, however often it is named.
    """
    if path is None:
        files = sorted(FOLDER.glob("*.py"))
    else:
        path = Path(path).expanduser()
        if not path.exists():
            raise DataError(f"There is no file or folder of custom tasks at {path}; correct custom_tasks=PATH.")
        files = sorted(path.glob("*.py")) if path.is_dir() else [path]
        if not files:
            raise DataError(f"The folder of custom tasks {path} holds no .py file; put one there or name a file.")
    for file in files:
        _run(file.resolve())
    return files


def noting_its_grader(query: Query) -> Query:
    """The question, with the file that its grader comes from in `meta` unless that is rl_router's own.

    The file is a path from the working folder and a digest: enough to ask for it, never a reason to run it.
    """
    file = GRADERS.file(query.grader)
    if file is None:
        return query
    needed = {"path": os.path.relpath(file), "sha256": digest(file)}
    return replace(query, meta={**query.meta, GRADER_FILE: needed})


def check_graders(queries: Iterable[Query]) -> None:
    """A DataError when a question's grader is not loaded, with the file to name. A file that has changed is said."""
    needed = {query.grader: query.meta.get(GRADER_FILE) for query in queries}
    for name, entry in needed.items():
        noted = entry if isinstance(entry, dict) else {}
        path = noted.get("path")
        if path and name not in GRADERS:
            raise DataError(
                f"Some questions are graded by {name!r}, which their maker had in {path}; if you trust that file, pass "
                f"custom_tasks={path}."
            )
        GRADERS.get(name)
        file = GRADERS.file(name)
        if path and (file is None or digest(file) != noted.get("sha256")):
            say(f"the grader {name!r} is not the one of {path} that the questions were made with: it has changed since")


def digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def _run(file: Path) -> None:
    name = f"rl_router_custom_{file.stem}_{sha256(str(file).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise DataError(f"{file} is no Python file; custom tasks are .py files.")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    added = _Added()
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        added.undo()
        if isinstance(error, DataError) or not isinstance(error, Exception | SystemExit):
            raise
        raise DataError(f"{_line(error, file)}: {_said(error)}; correct the file.") from error


class _Added:
    """The names that a file registered, so that one which fails half-way leaves none of them behind."""

    def __init__(self) -> None:
        self._registries: tuple[Registry[Any], ...] = (BENCHMARKS, GRADERS, METRICS)
        self._before = [set(registry) for registry in self._registries]

    def undo(self) -> None:
        for registry, before in zip(self._registries, self._before, strict=True):
            for name in set(registry) - before:
                registry.remove(name)


def _naming(function: Callable[..., Any], what: str) -> Callable[..., Any]:
    """`function`, whose errors become one sentence with the line of its file that raised."""

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except DataError:
            raise
        except Exception as error:
            raise DataError(f"{_line(error, Path(function.__code__.co_filename))}: {what}: {_said(error)}.") from error

    return call


def _where(function: Callable[..., Any]) -> str:
    code = function.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def _line(error: BaseException, file: Path) -> str:
    """`file:line` of the last place in `file` that the error passed."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f"{file}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f"{file}:{lines[-1]}" if lines else str(file)


def _said(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(str(text).split())}".rstrip(": .")
