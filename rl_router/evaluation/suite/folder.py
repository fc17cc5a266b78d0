"""The folder of a suite's run: one place that names what is in it, and what must agree for a run to go on.

suite.json      the suite as it was resolved, digests of the data and of every router, remarks, versions
queries.jsonl   the test questions, so that a report can show them
lines.jsonl     what every router came to (see `lines`): the only source of every table
results.json, results.csv, results.md, report.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from rl_router.errors import CheckpointError, RecipeError
from rl_router.evaluation.suite import lines
from rl_router.evaluation.suite.lines import Key
from rl_router.evaluation.suite.played import Played
from rl_router.evaluation.suite.suite import Suite, suite_to_dict
from rl_router.observe.console import say
from rl_router.observe.files import read_json, read_lines, rewrite_lines, write_json
from rl_router.observe.redaction import redact
from rl_router.observe.versions import collect_versions
from rl_router.types import Query

MAY_CHANGE = ("name", "run_dir", "routers", "resume", "budget_usd", "seeds", "live")
"""Keys of a suite that a resumed run may change: none of them alters what a line says."""


@dataclass(frozen=True)
class SuiteFolder:
    path: Path

    @staticmethod
    def open(path: Path | str) -> SuiteFolder:
        """The folder of an evaluation that has begun; a CheckpointError in one sentence when it is none."""
        folder = SuiteFolder(Path(path))
        if not folder.suite.is_file():
            raise CheckpointError(
                f"expected the folder of a suite's evaluation with a suite.json at {path}, but found none: name a"
                " folder that `rl-router evaluate SUITE` has written"
            )
        return folder

    @property
    def suite(self) -> Path:
        return self.path / "suite.json"

    @property
    def queries(self) -> Path:
        return self.path / "queries.jsonl"

    @property
    def lines(self) -> Path:
        return self.path / "lines.jsonl"

    @property
    def results(self) -> Path:
        return self.path / "results.json"

    @property
    def csv(self) -> Path:
        return self.path / "results.csv"

    @property
    def markdown(self) -> Path:
        return self.path / "results.md"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def begin(
        self, suite: Suite, data: str, routers: Mapping[str, str], queries: Sequence[Query], remarks: Sequence[str]
    ) -> None:
        """Write what identifies the run, or check that the run that is there is the same.

        `data` and `routers` are digests. Lines of a router that has changed since are dropped; those of a run that was
        not to be resumed are, all of them. RecipeError when the folder holds an evaluation of something else.
        """
        before = read_json(self.suite) if self.suite.is_file() else None
        if before is not None and suite.resume:
            self._check_same(suite, data, before)
            changed = [name for name, digest in routers.items() if before["routers"].get(name, digest) != digest]
            self._drop(changed)
            routers = {**before["routers"], **routers}
        else:
            self.lines.unlink(missing_ok=True)
        write_json(
            self.suite,
            {
                "suite": redact(suite_to_dict(suite)),
                "data": data,
                "routers": dict(routers),
                "remarks": list(remarks),
                "versions": collect_versions(),
            },
        )
        rewrite_lines(self.queries, (_query_record(query) for query in queries))

    def read_lines(self) -> pl.DataFrame:
        frame, torn = lines.read(self.lines)
        if torn:
            say(f"the last line of {self.lines} was cut off by an earlier end: it is played again")
        return frame

    def read_played(self) -> dict[Key, Played]:
        return lines.played_of(self.read_lines())

    def read_queries(self) -> list[dict[str, Any]]:
        return read_lines(self.queries)

    def read_suite(self) -> dict[str, Any]:
        content = read_json(self.suite)
        if not isinstance(content, dict) or not {"suite", "data", "routers", "remarks"} <= set(content):
            raise CheckpointError(f"{self.suite} does not describe an evaluation: run it again with resume=false")
        return content

    def _check_same(self, suite: Suite, data: str, before: Mapping[str, Any]) -> None:
        now, then = redact(suite_to_dict(suite)), before["suite"]
        other = [key for key in now if key not in MAY_CHANGE and now[key] != then.get(key)]
        if other:
            raise RecipeError(
                f"{self.path} holds an evaluation with {other[0]}={then.get(other[0])!r}, now it is {now[other[0]]!r}:"
                " name another run_dir, or start over with resume=false"
            )
        if data != before["data"]:
            raise RecipeError(
                f"the data has changed since the evaluation in {self.path} began: name another run_dir, or start over"
                " with resume=false"
            )

    def _drop(self, routers: Iterable[str]) -> None:
        gone = list(routers)
        frame = self.read_lines() if gone else None
        if frame is None or not frame["router"].is_in(gone).any():
            return
        say(f"{', '.join(gone)} changed since: played again")
        lines.rewrite(self.lines, frame.filter(~pl.col("router").is_in(gone)))


def _query_record(query: Query) -> dict[str, Any]:
    return {"query_id": query.query_id, "task": query.task, "text": query.text, "answers": list(query.answers)}
