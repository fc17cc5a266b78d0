"""An SQLite file that processes share and that survives `kill -9`. Rows that come together are written together.

In WAL mode a commit is a write to the file, which outlives the process without waiting for the disk. A power cut may
take the last rows, and leaves a whole file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rl_router.errors import PoolError
from rl_router.shared_sqlite import open_shared

COMMIT_EVERY_S = 0.01
"""Rows that come faster than this are committed together; a row that comes alone is committed at once."""


class SqliteFile:
    """`add` queues a row for the next commit, `written` waits until every row so far is in the file, and `when_written`
    calls something then. Rows that cannot be written stay in the queue; `check` and `written` say why."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self._queue: dict[str, list[Sequence[Any]]] = {}  # rows by the statement that inserts them
        self._acts: list[Callable[[], None]] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._committed_s = 0.0
        self._trouble: PoolError | None = None
        try:
            self._connection = open_shared(path)
            # moving the log into the file waits for the disk: every 64 MB, and when it is closed
            self._connection.execute("PRAGMA wal_autocheckpoint=16384")
            self._connection.executescript(schema)
        except (sqlite3.Error, OSError) as error:
            raise PoolError(f"{path} cannot be opened as an SQLite file ({error}); name another or move it.") from None

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    def version_of_others(self) -> int:
        """A number that changes whenever another process has written to the file."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def add(self, sql: str, values: Sequence[Any]) -> None:
        self._queue.setdefault(sql, []).append(values)
        if self._timer is None:
            self._commit_soon()

    def write(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows at once."""
        self._queue.setdefault(sql, []).extend(rows)
        self.flush()

    def when_written(self, act: Callable[[], None]) -> None:
        """Call `act` as soon as every row so far is in the file; at once if none is queued."""
        if self._queue:
            self._acts.append(act)
        else:
            act()

    async def written(self) -> None:
        if self._queue:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            if self._timer is None:  # what could not be written before is tried again
                self._commit_soon()
            await future

    def check(self) -> None:
        """Raise why the last commit failed, unless it can be done now."""
        if self._trouble is not None:
            self.flush()
            self._trouble = None

    def flush(self) -> None:
        """Write what is queued. What cannot be written stays in the queue."""
        if not self._queue:
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for sql, rows in self._queue.items():
                    self._connection.executemany(sql, rows)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise PoolError(f"{self.path} cannot be written ({error}); free space and run again.") from None
        self._queue.clear()

    def _commit_soon(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(max(loop.time(), self._committed_s + COMMIT_EVERY_S), self._commit)

    def _commit(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, []
        self._trouble = None
        try:
            self.flush()
        except PoolError as error:
            self._trouble = error
        self._committed_s = asyncio.get_running_loop().time()
        if self._trouble is None:
            acts, self._acts = self._acts, []
            for act in acts:
                act()
        for future in waiting:
            if not future.done():  # whoever waited may have been cancelled
                future.set_result(None) if self._trouble is None else future.set_exception(self._trouble)

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self._connection.close()
