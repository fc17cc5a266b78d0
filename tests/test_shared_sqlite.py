"""Files that several processes open at once."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from rl_router import shared_sqlite
from rl_router.shared_sqlite import open_shared

PROCESSES = 4
OPENINGS = 20


def test_processes_that_open_write_and_close_one_file_at_once_wait_for_each_other(tmp_path):
    context = multiprocessing.get_context("fork")
    for trial in range(10):
        path, start = tmp_path / f"{trial}.sqlite", context.Barrier(PROCESSES)
        writers = [context.Process(target=_write, args=(path, start, first)) for first in range(PROCESSES)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(timeout=60)
        assert [writer.exitcode for writer in writers] == [0] * PROCESSES
        assert open_shared(path).execute("SELECT COUNT(*) FROM rows").fetchone() == (PROCESSES * OPENINGS,)


def _write(path: Path, start, first: int) -> None:
    start.wait(timeout=60)
    for number in range(OPENINGS):
        connection = open_shared(path)
        connection.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY)")
        connection.execute("INSERT INTO rows VALUES (?)", (first * OPENINGS + number,))
        connection.close()


def test_a_file_that_stays_locked_is_an_error_after_the_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_sqlite, "BUSY_S", 0.05)
    holder = sqlite3.connect(tmp_path / "held.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        open_shared(tmp_path / "held.sqlite")


def test_a_file_that_is_not_sqlite_is_an_error_at_once(tmp_path):
    (tmp_path / "text.sqlite").write_text("not a database, and long enough to have a header of one" * 10)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        open_shared(tmp_path / "text.sqlite")
