"""Rows are committed together when they come together, and what cannot be written is said to whoever waits for it."""

import asyncio

import pytest

from rl_router.errors import PoolError
from rl_router.pool.sqlite_file import SqliteFile

SCHEMA = "CREATE TABLE IF NOT EXISTS numbers (n INTEGER)"
INSERT = "INSERT INTO numbers VALUES (?)"


def written(path):
    """What another process would find now."""
    other = SqliteFile(path, SCHEMA)
    rows = [n for (n,) in other.rows("SELECT n FROM numbers ORDER BY n")]
    other.close()
    return rows


def test_whoever_waits_finds_every_row_so_far_in_the_file(tmp_path):
    async def run():
        file = SqliteFile(tmp_path / "x.sqlite", SCHEMA)
        for number in range(3):
            file.add(INSERT, (number,))
        assert written(file.path) == []
        await file.written()
        assert written(file.path) == [0, 1, 2]
        await file.written()  # nothing is queued, so nothing to wait for
        file.close()

    asyncio.run(run())


def test_rows_that_come_within_the_pause_are_one_transaction(tmp_path, monkeypatch):
    monkeypatch.setattr("rl_router.pool.sqlite_file.COMMIT_EVERY_S", 0.05)
    begun = []

    async def run():
        file = SqliteFile(tmp_path / "x.sqlite", SCHEMA)
        file._connection.set_trace_callback(lambda sql: begun.append(sql) if sql.startswith("BEGIN") else None)
        file.add(INSERT, (0,))
        await file.written()
        for number in range(1, 6):  # these come over several turns of the loop
            file.add(INSERT, (number,))
            await asyncio.sleep(0)
        await file.written()
        file.close()

    asyncio.run(run())
    assert len(begun) == 2
    assert written(tmp_path / "x.sqlite") == [0, 1, 2, 3, 4, 5]


def test_what_is_queued_at_the_end_is_written(tmp_path):
    async def run():
        file = SqliteFile(tmp_path / "x.sqlite", SCHEMA)
        file.add(INSERT, (7,))
        file.close()

    asyncio.run(run())
    assert written(tmp_path / "x.sqlite") == [7]


def test_a_row_that_cannot_be_written_is_an_error_for_whoever_waits(tmp_path):
    async def run():
        file = SqliteFile(tmp_path / "x.sqlite", SCHEMA)
        file.add("INSERT INTO nowhere VALUES (?)", (1,))
        for _ in range(2):  # whoever asks again is told again, and waits for nobody
            with pytest.raises(PoolError, match="cannot be written"):
                await asyncio.wait_for(file.written(), 5)

    asyncio.run(run())


def test_what_is_to_be_done_when_rows_are_written_is_done_then_and_at_once_where_none_wait(tmp_path):
    async def run():
        file = SqliteFile(tmp_path / "x.sqlite", SCHEMA)
        found = []
        file.when_written(lambda: found.append("nothing was queued"))
        file.add(INSERT, (3,))
        file.when_written(lambda: found.append(written(file.path)))
        assert found == ["nothing was queued"]
        await file.written()
        file.close()
        return found

    assert asyncio.run(run()) == ["nothing was queued", [3]]


def test_after_a_failed_commit_a_check_tries_again_and_nothing_is_lost(tmp_path):
    async def run():
        file = SqliteFile(tmp_path / "x.sqlite", SCHEMA)
        done = []
        file.add("INSERT INTO later VALUES (?)", (1,))
        file.when_written(lambda: done.append("later"))
        with pytest.raises(PoolError, match="cannot be written"):
            await file.written()
        with pytest.raises(PoolError, match="cannot be written"):
            file.check()
        file._connection.execute("CREATE TABLE later (n INTEGER)")
        file.check()
        assert file.rows("SELECT n FROM later") == [(1,)] and done == []
        file.add(INSERT, (2,))
        await file.written()
        file.close()
        return done

    assert asyncio.run(run()) == ["later"]
