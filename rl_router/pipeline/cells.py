"""A cell is one model's answer to one question, and the journal is where each finished one lies safely.

A cell is found again by its question, model, grader and request: change a prompt, a temperature or a token limit and it
is another cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import polars as pl

from rl_router.data.queries import queries_frame
from rl_router.data.schema import SCHEMA
from rl_router.data.table import RoutingTable
from rl_router.pool import quick_json
from rl_router.pool.backend import Request
from rl_router.pool.pool import retries_usd
from rl_router.pool.sqlite_file import SqliteFile
from rl_router.types import Call, CallStatus, Query

# Run again, these may end otherwise; a request that was rejected or ran out of tokens would end the same.
PASSING = (CallStatus.TIMEOUT, CallStatus.RATE_LIMITED, CallStatus.FAILED, CallStatus.UNREADABLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A question to be put to a model, and who grades the answer."""

    key: str
    request: Request

    @property
    def query(self) -> Query:
        return self.request.query

    @property
    def model(self) -> str:
        return self.request.spec.name


class Outcome(NamedTuple):
    """The columns of a cell that its model fills. `score` None: not graded, and `reason` says why."""

    score: float | None = None
    cost_usd: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    response: str | None = None
    status: str = CallStatus.OK.value
    reason: str | None = None
    finish_reason: str | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    latency_s: float | None = None
    attempts: int = 0
    retry_cost_usd: float = 0.0
    """What the attempts before the last one cost, as far as their tokens are known."""
    usage_known: bool = True
    """False: an attempt went out and came back without a count of tokens, so it may have cost more than is written."""

    judge_failed: bool = False
    """The call of the judge failed, and `reason` says how: asked again it may give a score."""

    @property
    def may_end_otherwise(self) -> bool:
        return self.status in PASSING or self.judge_failed


OUTCOME_SCHEMA: dict[str, type[pl.DataType]] = {
    name: SCHEMA[name] for name in ("score", "cost_usd", "prompt_tokens", "completion_tokens", "response")
} | {
    "status": pl.String,
    "reason": pl.String,
    "finish_reason": pl.String,
    "cached_tokens": pl.Int64,
    "reasoning_tokens": pl.Int64,
    "latency_s": pl.Float64,
    "attempts": pl.Int64,
    "retry_cost_usd": pl.Float64,
    "usage_known": pl.Boolean,
}


def cell_of(request: Request) -> Cell:
    query = request.query
    parts = (query.query_id, request.spec.name, query.grader, request.key)
    return Cell(key="\n".join(parts), request=request)


def outcome_of(cell: Cell, call: Call, score: float | None, *, judge_trouble: str | None = None) -> Outcome:
    """What a call and its grade come to. Of a failed call only its cost and its reason are kept."""
    reply, spec = call.reply, cell.request.spec
    answered = reply.status is CallStatus.OK
    counted = reply.usage_known and (answered or reply.usage.prompt_tokens > 0)
    usage = reply.usage if counted else None
    reason = None if answered else reply.text
    if judge_trouble is not None:
        reason = f"the judge's call failed: {judge_trouble}"
    elif answered and score is None:
        reason = f"the grader {cell.query.grader!r} could not say: no right answer is known, or it gave no score"
    return Outcome(
        score=score,
        cost_usd=call.cost_usd if usage else None,
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
        response=reply.text if answered else None,
        status=reply.status.value,
        reason=reason,
        finish_reason=reply.finish_reason or None,
        cached_tokens=usage.cached_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        latency_s=reply.latency_s if answered else None,
        attempts=1 + len(reply.earlier),
        retry_cost_usd=retries_usd(spec, reply),
        usage_known=reply.usage_known and all(attempt.usage is not None for attempt in reply.earlier),
        judge_failed=judge_trouble is not None,
    )


def table_of(cells: Sequence[Cell], outcomes: Mapping[str, Outcome], missing: Outcome) -> RoutingTable:
    """One row per cell in their order, `missing` where there is no outcome yet."""
    questions = {cell.query.query_id: cell.query for cell in cells}
    places = {query_id: place for place, query_id in enumerate(questions)}
    columns = zip(*(outcomes.get(cell.key, missing) for cell in cells), strict=True)
    values = dict(zip(Outcome._fields, columns, strict=True))
    frame = queries_frame(list(questions.values()))[[places[cell.query.query_id] for cell in cells]].with_columns(
        pl.Series("model", [cell.model for cell in cells], pl.String),
        *(pl.Series(name, values[name], dtype) for name, dtype in OUTCOME_SCHEMA.items()),
    )
    return RoutingTable(frame.select(*SCHEMA, pl.exclude(*SCHEMA)), where="collected table")


class Journal:
    """Finished cells in one SQLite file. `run` names this run, also in the recorded calls that it pays for."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(
            path,
            "CREATE TABLE IF NOT EXISTS cells (key TEXT PRIMARY KEY, outcome TEXT NOT NULL);"
            "CREATE TABLE IF NOT EXISTS run (name TEXT NOT NULL);"
            f"INSERT INTO run SELECT '{uuid4().hex}' WHERE NOT EXISTS (SELECT 1 FROM run);",
        )
        self.run = str(self._file.rows("SELECT name FROM run")[0][0])

    def read(self) -> dict[str, Outcome]:
        return {
            key: Outcome(**quick_json.decoded(text)) for key, text in self._file.rows("SELECT key, outcome FROM cells")
        }

    def put(self, cell: Cell, outcome: Outcome) -> None:
        """The cell is in the file some milliseconds later, or `written` raises."""
        text = quick_json.encoded(outcome._asdict()).decode()
        self._file.add("INSERT OR REPLACE INTO cells (key, outcome) VALUES (?, ?)", (cell.key, text))

    async def written(self) -> None:
        await self._file.written()

    def check(self) -> None:
        """A PoolError if finished cells could not be written."""
        self._file.check()

    def close(self) -> None:
        self._file.close()
