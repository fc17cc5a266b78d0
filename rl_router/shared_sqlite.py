"""SQLite files that any number of processes open, read and write at the same time.

In WAL mode (https://www.sqlite.org/wal.html) readers do not wait for a writer, and a commit outlives the process.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

BUSY_S = 60.0
"""How long to wait for other processes before an error."""
ASK_AGAIN_S = 0.005


def open_shared(path: Path) -> sqlite3.Connection:
    """A connection to the file at `path`, made with its folder if absent, that commits each statement by itself.

    Raises sqlite3.Error and OSError; the callers know what their file is for and say so.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=NORMAL")  # a power cut may take the last rows, and leaves a whole file
    except BaseException:
        connection.close()
        raise
    return connection


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait its `timeout` here: it says "locked" at once when another process opens the file or closes it
    until_s = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until_s:
                raise
            time.sleep(ASK_AGAIN_S)
