"""Which arm of a canary gave which answer, in a file that all workers share: feedback may come to any of them."""

from __future__ import annotations

from pathlib import Path

from rl_router.pool.sqlite_file import SqliteFile

SCHEMA = "CREATE TABLE IF NOT EXISTS arms (answer TEXT PRIMARY KEY, arm TEXT NOT NULL)"
KEEP = "INSERT OR REPLACE INTO arms VALUES (?, ?)"
FIND = "SELECT arm FROM arms WHERE answer = ?"
TRIM = "DELETE FROM arms WHERE rowid <= (SELECT max(rowid) FROM arms) - ?"
TRIM_EVERY = 1_000


class Arms:
    """Of the last `remembered` answers or a few more, over restarts too. It holds ids alone."""

    def __init__(self, path: Path, *, remembered: int = 50_000) -> None:
        self._file, self._remembered, self._kept = SqliteFile(path, SCHEMA), remembered, 0

    def keep(self, answer: str, arm: str) -> None:
        """In the file, for every process, when this returns."""
        self._file.write(KEEP, [(answer, arm)])
        self._kept += 1
        if self._kept % TRIM_EVERY == 0:
            self._file.write(TRIM, [(self._remembered,)])

    def of(self, answer: str) -> str:
        """'' for an answer that was no part of the trial, or is long past."""
        found = self._file.rows(FIND, (answer,))
        return str(found[0][0]) if found else ""

    def close(self) -> None:
        self._file.close()
