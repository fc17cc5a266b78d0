"""Recorded calls: what each model answered to each request, and what each attempt cost, in one SQLite file.

A reply and its charge are written in one transaction, so neither a reply that nobody paid for nor a payment without
its reply can be left behind. Values are JSON; no key of a provider is among them. Rows are only ever added, and whoever
opens the file keeps in mind which row answers which key: an index of keys, which come in no order, would cost twice as
much per reply as its row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from rl_router.pool import quick_json
from rl_router.pool.backend import Request
from rl_router.pool.sent_log import SentLog
from rl_router.pool.sqlite_file import SqliteFile
from rl_router.types import Attempt, CallStatus, ModelReply, Usage

SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, model TEXT NOT NULL, answered INTEGER NOT NULL, request TEXT NOT NULL,
    reply TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS charges (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL, cost_usd REAL NOT NULL,
    charge TEXT NOT NULL
);
"""
LOOK = "SELECT id, key, answered FROM replies WHERE id > ? ORDER BY id"
GET = "SELECT reply FROM replies WHERE id = ?"
PUT = "INSERT INTO replies (key, model, answered, request, reply) VALUES (?, ?, ?, ?, ?)"
LOOK_EVERY_S = 0.01
"""How late a process may learn what others recorded in the same file."""
REPLY = tuple(ModelReply.__dataclass_fields__)
REPLY_VALUES = attrgetter(*REPLY)
CHARGE = "INSERT INTO charges (run, key, model, cost_usd, charge) VALUES (?, ?, ?, ?, ?)"

UNANSWERED = """
SELECT key, COUNT(*) FROM charges WHERE run = ? AND charge ->> '$.status' = ? AND key NOT IN (SELECT key FROM replies)
GROUP BY key
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a run has paid. `unknown` counts the attempts that may have been billed and came back without a count, or
    did not come back: `interrupted` of them were on their way when the process was killed."""

    cost_usd: float
    attempts: int
    unknown: int
    interrupted: int


class Recordings:
    """`run` names whom charges are booked on; replies belong to everybody who shares the file.

    With the file `sent` of the run's calls, `lost` has the keys of those that an earlier process sent and did not live
    to see the end of, each with how many there are. They are charged as unknown when the file is opened.
    """

    def __init__(self, path: Path, run: str = "", sent: Path | None = None) -> None:
        self.path, self.run = path, run
        self._sent = SentLog(sent) if sent is not None else None
        self._file = SqliteFile(path, SCHEMA)
        self._rows: dict[str, int | None] = {}  # by key, None for one of this process's own that nobody asked for
        self._answered: set[str] = set()
        self._last_row, self._version, self._looked_s = 0, -1, float("-inf")
        self.lost = self._charge_lost(self._sent) if self._sent is not None else {}

    def get(self, key: str) -> ModelReply | None:
        """The reply that is recorded; what another process records is found some milliseconds later.

        The first answer stays: a table made from it can be made again. A failure gives way to whatever comes later.
        """
        self._look_at_others()
        if key not in self._rows:
            return None
        if self._rows[key] is None:
            self._file.flush()
            self._look()
        return reply_from_json(self._file.rows(GET, (self._rows[key],))[0][0])

    def put(self, key: str, request: Request, reply: ModelReply) -> None:
        """A reply, with its price where it has none and its tokens are known."""
        cost_usd = request.spec.price(reply.usage) if reply.usage_known else None
        answered = int(reply.status is CallStatus.OK)
        if key not in self._answered:
            self._rows[key] = None
        self._file.add(PUT, (key, request.spec.name, answered, request.meaning, reply_to_json(reply, cost_usd)))

    def sent(self, request: Request) -> None:
        """One attempt is about to go out. While its cost cannot be written, none does: a PoolError."""
        self._file.check()
        if self._sent is not None:
            self._sent.add(self.run, request.key, request.spec.name)

    def charge(self, request: Request, reply: ModelReply) -> None:
        """One attempt, whatever came of it."""
        charge = charge_to_json(reply.status, reply.usage if reply.usage_known else None)
        row = (self.run, request.key, request.spec.name, request.spec.price(reply.usage), charge)
        self._file.add(CHARGE, row)

    def _look_at_others(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._looked_s + LOOK_EVERY_S:
            self._looked_s = now_s
            version = self._file.version_of_others()
            if version != self._version:
                self._version = version
                self._look()

    def _look(self) -> None:
        """Find the rows that were added since the last look, by whomever."""
        for row, key, answered in self._file.rows(LOOK, (self._last_row,)):
            self._last_row = row
            if key not in self._answered:
                self._rows[key] = row
            if answered:
                self._answered.add(key)

    async def written(self) -> None:
        await self._file.written()

    def when_written(self, act: Callable[[], None]) -> None:
        self._file.when_written(act)

    def spent(self) -> Spent:
        sql = """SELECT COALESCE(SUM(cost_usd), 0.0), COUNT(*), COALESCE(SUM(NOT charge ->> '$.usage_known'), 0),
                 COALESCE(SUM(charge ->> '$.status' = ?), 0) FROM charges WHERE run = ?"""
        cost_usd, attempts, unknown, interrupted = self._file.rows(sql, (CallStatus.INTERRUPTED, self.run))[0]
        return Spent(cost_usd=cost_usd, attempts=attempts, unknown=unknown, interrupted=interrupted)

    def _charge_lost(self, sent: SentLog) -> dict[str, int]:
        """What was sent and never charged was lost: charge it, and return how many of each unanswered request were."""
        charged = dict(self._file.rows("SELECT key, COUNT(*) FROM charges WHERE run = ? GROUP BY key", (self.run,)))
        charge = charge_to_json(CallStatus.INTERRUPTED, None)
        lost = [
            (self.run, key, model, 0.0, charge)
            for (key, model), times in sent.counts(self.run).items()
            for _ in range(times - charged.get(key, 0))
        ]
        self._file.write(CHARGE, lost)
        return dict(self._file.rows(UNANSWERED, (self.run, CallStatus.INTERRUPTED)))

    def close(self) -> None:
        try:
            self._file.close()
        finally:
            if self._sent is not None:
                self._sent.close()


def charge_to_json(status: CallStatus, usage: Usage | None) -> str:
    # written by hand: no value needs escaping, and a serialiser takes seven times as long
    counts = usage or Usage()
    return (
        f'{{"status":"{status}","usage":{{"prompt_tokens":{counts.prompt_tokens},'
        f'"cached_tokens":{counts.cached_tokens},"completion_tokens":{counts.completion_tokens},'
        f'"reasoning_tokens":{counts.reasoning_tokens}}},"usage_known":{"false" if usage is None else "true"}}}'
    )


def reply_to_json(reply: ModelReply, cost_usd: float | None = None) -> str:
    """`cost_usd` is the price of a reply that names none."""
    values = dict(zip(REPLY, REPLY_VALUES(reply), strict=True))  # dataclasses.asdict copies, at twenty times the cost
    values["cost_usd"] = cost_usd if reply.cost_usd is None else reply.cost_usd
    values["status"] = str(reply.status)
    return quick_json.encoded(values).decode()


def reply_from_json(text: str) -> ModelReply:
    values: dict[str, Any] = quick_json.decoded(text)
    values["usage"] = Usage(**values["usage"])
    values["status"] = CallStatus(values["status"])
    values["earlier"] = tuple(_attempt(attempt) for attempt in values["earlier"])
    return ModelReply(**values)


def _attempt(values: dict[str, Any]) -> Attempt:
    usage = values["usage"]
    return Attempt(
        status=CallStatus(values["status"]), usage=None if usage is None else Usage(**usage), reason=values["reason"]
    )
