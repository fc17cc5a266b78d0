"""From benchmarks to one queries file: load, sample, check each question against its own answer, write it whole.

What is sampled depends on the seed and a question's id alone: the same questions on every machine, and a larger share
holds a smaller one. Held-out questions are drawn first, and no training question repeats one of them. A question whose
own answer its grader refuses is left out and counted. A run that was killed goes on where it was.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from rl_router import __version__
from rl_router.data.benchmarks import BENCHMARKS, Benchmark
from rl_router.data.benchmarks.loading import load_rows
from rl_router.data.benchmarks.validation import fingerprint, gold_faults, validate_shape
from rl_router.data.custom import digest, load_custom_tasks, noting_its_grader
from rl_router.data.graders import GRADERS
from rl_router.data.queries import read_queries, write_queries
from rl_router.errors import DataError
from rl_router.observe.console import StepProgress, say
from rl_router.observe.files import append_lines, read_json, read_lines, write_json
from rl_router.types import Query

_FORBID = {"extra": "forbid"}
SPLITS = ("test", "val", "train")
"""In the order in which they are drawn: what is held out comes first."""
WORKERS = min(4, os.cpu_count() or 1)


def _counted(count: int | str) -> int | str:
    if count == "all" or (isinstance(count, int) and count >= 0):
        return count
    raise ValueError("expected a number of questions, or all")


Count = Annotated[int | str, AfterValidator(_counted)]


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many questions of a benchmark go into each split, and where its rows are if not on the hub.

    `path` is a .parquet or .jsonl file, a folder of them, or one of these per split.
    """

    __pydantic_config__ = _FORBID
    train: Count = 0
    val: Count = 0
    test: Count = 0
    path: str | dict[Literal["train", "val", "test"], str] | None = None

    def count(self, split: str) -> int | None:
        """None for all."""
        count = getattr(self, split)
        return None if count == "all" else int(count)

    def rows_of(self, split: str) -> Path | None:
        named = self.path.get(split) if isinstance(self.path, dict) else self.path  # type: ignore[call-overload]
        return None if named is None else Path(named).expanduser()


@dataclass(frozen=True, kw_only=True)
class QueriesJob:
    """`out` is the queries file. `custom_tasks` names a .py file or a folder of them (else ./custom_tasks is used)."""

    __pydantic_config__ = _FORBID
    out: Path
    seed: int = 0
    benchmarks: Annotated[dict[str, Share], Field(min_length=1)]
    custom_tasks: str | None = None
    check_answers: bool = True
    """Grade each question's own answer; it takes 0.2 s per question of code, and next to nothing for others."""

    @property
    def manifest(self) -> Path:
        """What was drawn, from where, and what was left out and why."""
        return self.out.with_suffix(".json")

    @property
    def unfinished(self) -> Path:
        return self.out.with_name(f"{self.out.stem}.unfinished")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One split of one benchmark: the unit that is loaded, and that a killed run need not load again."""

    benchmark: Benchmark
    split: str
    count: int | None
    path: Path | None
    seed: int
    after: tuple[str, ...] = ()
    """The keys of the held-out parts, which questions for training must not repeat."""

    @property
    def key(self) -> str:
        """Changes with whatever changes what is drawn."""
        name, grader = self.benchmark.name, self.benchmark.grader
        code = [digest(file) for file in (BENCHMARKS.file(name), GRADERS.file(grader)) if file is not None]
        parts = [name, self.split, self.count, self.seed, self.after, _stamps(self.path), code]
        return sha256(json.dumps(parts).encode()).hexdigest()[:16]


@dataclass
class Drawn:
    """What one part gave. `repeats` counts training questions left out because they are held out."""

    queries: list[Query] = field(default_factory=list)
    rows: int = 0
    repeats: int = 0


def build_queries(job: QueriesJob) -> list[Query]:
    """The questions of `job.out`, which is written unless it is there already, made by the same job."""
    load_custom_tasks(job.custom_tasks)
    parts = parts_of(job)
    made_by = {"job": TypeAdapter(QueriesJob).dump_python(job, mode="json"), "parts": [part.key for part in parts]}
    if job.out.is_file() and job.manifest.is_file() and read_json(job.manifest).get("made_by") == made_by:
        say(f"{job.out} is there already, made by the same recipe.")
        return read_queries(job.out)
    drawn = draw(parts, job.unfinished)
    queries = [noting_its_grader(query) for part in drawn for query in part.queries]
    for fault in validate_shape(queries):
        raise DataError(f"Question {fault.query_id} cannot be used: {fault.what}.")
    faults = check_answers(queries, job.unfinished) if job.check_answers else {}
    kept = [query for query in queries if query.query_id not in faults]
    _refuse_bad_benchmarks(job, queries, kept, faults)
    write_queries(job.out, kept)
    write_json(job.manifest, {"made_by": made_by, "rl_router": __version__, "splits": summary(parts, drawn, faults)})
    shutil.rmtree(job.unfinished, ignore_errors=True)
    return kept


def parts_of(job: QueriesJob) -> list[Part]:
    """In the order in which they are drawn. An unknown benchmark or split is refused before anything is loaded."""
    parts: list[Part] = []
    for split in SPLITS:
        held_out = tuple(part.key for part in parts) if split == "train" else ()
        for name, share in job.benchmarks.items():
            benchmark = BENCHMARKS.get(name)
            GRADERS.get(benchmark.grader)
            if share.count(split) != 0:
                benchmark.their_split(split)
                parts.append(
                    Part(
                        benchmark=benchmark,
                        split=split,
                        count=share.count(split),
                        path=share.rows_of(split),
                        seed=job.seed,
                        after=held_out,
                    )
                )
    if not parts:
        raise DataError(
            "Every benchmark has 0 questions in every split; ask for some, as in benchmarks.gsm8k.test=100."
        )
    return parts


def draw(parts: Sequence[Part], folder: Path) -> list[Drawn]:
    """Each part's questions, loaded and sampled, or read from where an earlier run kept them."""
    held_out: set[tuple[str, tuple[str, ...]]] = set()
    drawn = []
    with StepProgress("questions", len(parts), every=1) as progress:
        for step, part in enumerate(parts, start=1):
            drawn.append(_kept(part, folder) or _keep(part, _draw(part, held_out), folder))
            if part.split != "train":
                held_out |= {fingerprint(query) for query in drawn[-1].queries}
            progress.update(step, {})
    return drawn


def _draw(part: Part, held_out: set[tuple[str, tuple[str, ...]]]) -> Drawn:
    rows = 0
    queries: list[Query] = []
    for rows, row in enumerate(load_rows(part.benchmark, part.split, part.path), start=1):  # noqa: B007
        query = part.benchmark.query(row, part.split, rows - 1)
        if query is not None:
            queries.append(query)
    fresh = [query for query in queries if part.split != "train" or fingerprint(query) not in held_out]
    if not fresh:
        raise DataError(
            f"{part.benchmark.name} gave no question for {part.split} out of {rows} rows; look at its data."
        )
    return Drawn(queries=sample(fresh, part.count, part.seed), rows=rows, repeats=len(queries) - len(fresh))


def sample(queries: Sequence[Query], count: int | None, seed: int) -> list[Query]:
    """`count` of `queries` in their order: those whose ids hash lowest with the seed."""
    if count is None or count >= len(queries):
        return list(queries)
    ranked = sorted(queries, key=lambda query: sha256(f"{seed} {query.query_id}".encode()).digest())
    chosen = {query.query_id for query in ranked[:count]}
    return [query for query in queries if query.query_id in chosen]


def check_answers(queries: Sequence[Query], folder: Path) -> dict[str, str]:
    """Why a question is left out, by id. Checks of an earlier run of the same questions are not made again."""
    path = folder / "checked.jsonl"
    done = {row["key"]: row["fault"] for row in read_lines(path)}
    keys = {query.query_id: _question_key(query) for query in queries}
    left = [query for query in queries if keys[query.query_id] not in done]
    with StepProgress("answers", len(queries), start=len(queries) - len(left)) as progress:
        for step, (query, fault) in enumerate(_checked(left), start=len(queries) - len(left) + 1):
            done[keys[query.query_id]] = fault
            append_lines(path, [{"key": keys[query.query_id], "fault": fault}])
            progress.update(step, {})
    return {query_id: done[key] for query_id, key in keys.items() if done[key] is not None}


def _checked(queries: Sequence[Query]) -> Iterator[tuple[Query, str | None]]:
    def fault(query: Query) -> str | None:
        return next((fault.what for fault in gold_faults(query)), None)

    workers = ThreadPoolExecutor(WORKERS)
    try:
        yield from zip(queries, workers.map(fault, queries), strict=True)
    finally:
        workers.shutdown(cancel_futures=True)


def _refuse_bad_benchmarks(
    job: QueriesJob, queries: Sequence[Query], kept: Sequence[Query], faults: Mapping[str, str]
) -> None:
    """A benchmark that loses most of its questions has the wrong grader or the wrong data."""
    for name in job.benchmarks:
        asked = [query for query in queries if query.dataset == name]
        left = sum(query.dataset == name for query in kept)
        if asked and left < len(asked) / 2:
            query_id = next(query.query_id for query in asked if query.query_id in faults)
            raise DataError(
                f"{len(asked) - left} of {len(asked)} questions of {name} fail against their own answers, the first "
                f"{query_id}: {faults[query_id]}; correct its grader or its data."
            )


def summary(parts: Sequence[Part], drawn: Sequence[Drawn], faults: Mapping[str, str]) -> list[dict[str, Any]]:
    """One row per part, for the manifest and for people."""
    rows = []
    for part, got in zip(parts, drawn, strict=True):
        refused = {query.query_id: faults[query.query_id] for query in got.queries if query.query_id in faults}
        rows.append(
            {
                "benchmark": part.benchmark.name,
                "split": part.split,
                "questions": len(got.queries) - len(refused),
                "rows": got.rows,
                "repeats_of_held_out": got.repeats,
                "refused": refused,
                "from": str(part.path) if part.path else part.benchmark.hub,
                "licence": part.benchmark.licence,
            }
        )
    return rows


def _kept(part: Part, folder: Path) -> Drawn | None:
    counts, path = folder / f"{part.key}.json", folder / f"{part.key}.parquet"
    if not counts.is_file():
        return None
    return Drawn(queries=read_queries(path), **read_json(counts))


def _keep(part: Part, drawn: Drawn, folder: Path) -> Drawn:
    write_queries(folder / f"{part.key}.parquet", drawn.queries)
    write_json(
        folder / f"{part.key}.json", {"rows": drawn.rows, "repeats": drawn.repeats}
    )  # last: it says all is there
    return drawn


def _stamps(path: Path | None) -> list[Any]:
    """Names, sizes and times of local files: another file is another part."""
    if path is None:
        return []
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files if file.is_file()]


def _question_key(query: Query) -> str:
    return sha256(repr((query.query_id, query.text, query.answers, query.grader, query.meta)).encode()).hexdigest()[:24]
