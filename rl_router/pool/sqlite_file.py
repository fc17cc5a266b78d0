"""An SQLite file that several processes share and that survives `kill -9`: rows of one moment are written together.

In WAL mode a commit is a write to the file, which outlives the process without waiting for the disk. A power cut may
take the last rows, and leaves a whole file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from rl_router.errors import PoolError

BUSY_S = 60.0


class SqliteFile:
    """`add` queues a row for the end of this turn of the event loop; `written` waits until it is in the file."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self._queue: list[tuple[str, Sequence[Any]]] = []
        self._waiting: asyncio.Future[None] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            # moving the log into the file waits for the disk: every 64 MB, and when it is closed
            self._connection.execute("PRAGMA wal_autocheckpoint=16384")
            self._connection.executescript(schema)
        except (sqlite3.Error, OSError) as error:
            raise PoolError(f"{path} cannot be opened as an SQLite file ({error}); name another or move it.") from None

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    def add(self, sql: str, values: Sequence[Any]) -> None:
        self._queue.append((sql, values))
        if self._waiting is None:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            loop.call_soon(self._commit)

    async def written(self) -> None:
        if self._waiting is not None:
            await asyncio.shield(self._waiting)

    def flush(self) -> None:
        queue, self._queue = self._queue, []
        if not queue:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, rows in groupby(queue, key=itemgetter(0)):
                self._connection.executemany(sql, map(itemgetter(1), rows))
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, None
        assert waiting is not None
        try:
            self.flush()
        except sqlite3.Error as error:
            waiting.set_exception(PoolError(f"{self.path} cannot be written ({error}); free space or name another."))
            return
        waiting.set_result(None)

    def close(self) -> None:
        self.flush()
        self._connection.close()
