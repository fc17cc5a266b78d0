"""Recorded calls: what each model answered to each request, and what each attempt cost, in one SQLite file.

A reply and its charge are written in one transaction, so neither a reply that nobody paid for nor a payment without
its reply can be left behind. Values are JSON; no key of a provider is among them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_router.pool.backend import Request
from rl_router.pool.sqlite_file import SqliteFile
from rl_router.types import Attempt, CallStatus, ModelReply, Usage

SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, answered INTEGER NOT NULL, request TEXT NOT NULL, reply TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS charges (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL, cost_usd REAL NOT NULL,
    charge TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS charges_of_run ON charges (run, cost_usd);
"""
# The first answer stays: a table made from it can be made again. A failure gives way to whatever comes later.
PUT = """
INSERT INTO replies (key, model, answered, request, reply) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET answered = excluded.answered, reply = excluded.reply WHERE NOT replies.answered
"""
REPLY = tuple(ModelReply.__dataclass_fields__)
COUNTS = tuple(Usage.__dataclass_fields__)
CHARGE = "INSERT INTO charges (run, key, model, cost_usd, charge) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a run has paid. `unknown` counts the attempts that may have been billed and came back without a count."""

    cost_usd: float
    attempts: int
    unknown: int


class Recordings:
    """`run` names whom charges are booked on; replies belong to everybody who shares the file."""

    def __init__(self, path: Path, run: str = "") -> None:
        self.path, self.run = path, run
        self._file = SqliteFile(path, SCHEMA)

    def get(self, key: str) -> ModelReply | None:
        rows = self._file.rows("SELECT reply FROM replies WHERE key = ?", (key,))
        return reply_from_json(rows[0][0]) if rows else None

    def put(self, key: str, request: Request, reply: ModelReply) -> None:
        answered = int(reply.status is CallStatus.OK)
        self._file.add(PUT, (key, request.spec.name, answered, request.meaning, reply_to_json(reply)))

    def charge(self, request: Request, reply: ModelReply) -> None:
        """One attempt, whatever came of it."""
        charge = {"status": reply.status, "usage": _counts(reply.usage), "usage_known": reply.usage_known}
        cost_usd = request.spec.price(reply.usage)
        row = (self.run, request.key, request.spec.name, cost_usd, json.dumps(charge))
        self._file.add(CHARGE, row)

    async def written(self) -> None:
        await self._file.written()

    def spent(self) -> Spent:
        sql = """SELECT COALESCE(SUM(cost_usd), 0.0), COUNT(*), COALESCE(SUM(NOT charge ->> '$.usage_known'), 0)
                 FROM charges WHERE run = ?"""
        cost_usd, attempts, unknown = self._file.rows(sql, (self.run,))[0]
        return Spent(cost_usd=cost_usd, attempts=attempts, unknown=unknown)

    def close(self) -> None:
        self._file.close()


def reply_to_json(reply: ModelReply) -> str:
    values = {name: getattr(reply, name) for name in REPLY}  # dataclasses.asdict copies deeply, at ten times the cost
    values["usage"] = _counts(reply.usage)
    values["earlier"] = [
        {"status": attempt.status, "usage": attempt.usage and _counts(attempt.usage), "reason": attempt.reason}
        for attempt in reply.earlier
    ]
    return json.dumps(values, separators=(",", ":"))


def reply_from_json(text: str) -> ModelReply:
    values: dict[str, Any] = json.loads(text)
    values["usage"] = Usage(**values["usage"])
    values["status"] = CallStatus(values["status"])
    values["earlier"] = tuple(_attempt(attempt) for attempt in values["earlier"])
    return ModelReply(**values)


def _counts(usage: Usage) -> dict[str, int]:
    return {name: getattr(usage, name) for name in COUNTS}


def _attempt(values: dict[str, Any]) -> Attempt:
    usage = values["usage"]
    return Attempt(
        status=CallStatus(values["status"]), usage=None if usage is None else Usage(**usage), reason=values["reason"]
    )
