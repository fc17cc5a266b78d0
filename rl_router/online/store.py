"""Decisions and what came of them, in one SQLite file that all workers of a gateway share.

An outcome is acknowledged when it is in the file, so `kill -9` loses none that was; the order of its rows is the order
in which every worker folds them in, so all reach the same state. Snapshots of the state spare a new worker the past.
The file holds no prompt and no answer: a decision is kept by its id, the model and the features.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rl_router.errors import CheckpointError, DataError
from rl_router.online.outcome import Outcome
from rl_router.shared_sqlite import open_shared

SCHEMA = """
CREATE TABLE IF NOT EXISTS decisions (
    id TEXT PRIMARY KEY, at_s REAL NOT NULL, model TEXT NOT NULL, propensity REAL NOT NULL, features BLOB NOT NULL,
    expected_quality REAL NOT NULL, expected_cost_usd REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS outcomes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, decision TEXT NOT NULL, what TEXT NOT NULL, value REAL NOT NULL,
    UNIQUE (decision, what)
);
CREATE TABLE IF NOT EXISTS snapshots (settings TEXT PRIMARY KEY, seq INTEGER NOT NULL, state BLOB NOT NULL);
"""
FLOATS = np.dtype("<f4")
KINDS = ("quality", "cost_usd")


@dataclass(frozen=True, kw_only=True, eq=False)
class Decided:
    """A decision as it is kept until its outcome comes."""

    decision_id: str
    model: str
    propensity: float
    features: np.ndarray  # [d]
    expected_quality: float
    expected_cost_usd: float


class OutcomeStore:
    """One connection; any number of processes may each have one. CheckpointError when the file is none of ours."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            self._db = open_shared(self.path)
            self._db.executescript(SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise CheckpointError(
                f"{self.path} cannot be used as a file of outcomes ({error}); name another, or move it away"
            ) from None

    def decided(self, decisions: Sequence[Decided]) -> None:
        """Keep them, all or none. DataError for an id that is there already: feedback could not tell them apart."""
        now = time.time()
        rows = [
            (d.decision_id, now, d.model, d.propensity, d.features.astype(FLOATS).tobytes(), d.expected_quality,
             d.expected_cost_usd)
            for d in decisions
        ]  # fmt: skip
        with _transaction(self._db):
            taken = self._taken([row[0] for row in rows])
            if taken is not None:
                raise DataError(f"the decision {taken!r} is in {self.path} already; give each request its own id")
            self._db.executemany("INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def happened(
        self, decision_id: str, *, quality: float | None = None, cost_usd: float | None = None
    ) -> tuple[str, ...]:
        """Keep what came of a decision and say which of it was new: what is said twice counts once, the first time.

        DataError for a decision that was never made here, or a quality outside [0, 1] or a cost below 0.
        """
        told = {name: value for name, value in zip(KINDS, (quality, cost_usd), strict=True) if value is not None}
        if not 0.0 <= told.get("quality", 0.0) <= 1.0 or not 0.0 <= told.get("cost_usd", 0.0) < float("inf"):
            raise DataError(f"expected a quality from 0 to 1 and a cost of 0 or more, got {told}")
        with _transaction(self._db):
            if not self._db.execute("SELECT 1 FROM decisions WHERE id = ?", (decision_id,)).fetchone():
                raise DataError(
                    f"no decision {decision_id!r} is in {self.path}; it takes outcomes of its own decisions"
                )
            sql = "INSERT OR IGNORE INTO outcomes (decision, what, value) VALUES (?, ?, ?)"
            return tuple(n for n, value in told.items() if self._db.execute(sql, (decision_id, n, value)).rowcount)

    def outcomes(self, after: int) -> Iterator[tuple[int, Outcome]]:
        """(sequence number, outcome) of every row past `after`, in the order in which they were acknowledged."""
        sql = """SELECT seq, model, features, expected_quality, expected_cost_usd, what, value
                 FROM outcomes JOIN decisions ON decisions.id = outcomes.decision WHERE seq > ? ORDER BY seq"""
        for seq, model, features, expected_quality, expected_cost_usd, what, value in self._db.execute(sql, (after,)):
            yield (
                seq,
                Outcome(
                    model=model,
                    features=np.frombuffer(features, FLOATS),
                    expected_quality=expected_quality,
                    expected_cost_usd=expected_cost_usd,
                    **{what: value},
                ),
            )

    def snapshot(self, settings: str) -> tuple[int, bytes] | None:
        """(sequence number, state) that a worker with the same settings left."""
        found = self._db.execute("SELECT seq, state FROM snapshots WHERE settings = ?", (settings,)).fetchone()
        return None if found is None else (int(found[0]), bytes(found[1]))

    def keep_snapshot(self, settings: str, seq: int, state: bytes) -> None:
        """Unless another worker has left a later one."""
        sql = """INSERT INTO snapshots VALUES (?, ?, ?) ON CONFLICT (settings) DO UPDATE
                 SET seq = excluded.seq, state = excluded.state WHERE excluded.seq > snapshots.seq"""
        self._db.execute(sql, (settings, seq, state))

    def close(self) -> None:
        self._db.close()

    def _taken(self, ids: Sequence[str]) -> str | None:
        """The first of `ids` that is there already, or that comes twice."""
        seen: set[str] = set()
        for name in ids:
            if name in seen or self._db.execute("SELECT 1 FROM decisions WHERE id = ?", (name,)).fetchone():
                return name
            seen.add(name)
        return None


class _transaction:
    """Everything inside is written, or nothing. The lock is taken at once, so nothing fails halfway for want of it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
