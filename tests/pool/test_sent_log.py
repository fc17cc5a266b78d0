import multiprocessing

import pytest

from rl_router.errors import PoolError
from rl_router.pool.sent_log import SentLog

KEY, OTHER = "a" * 64, "b" * 64


def test_what_was_sent_is_counted_by_whoever_opens_the_file_next(tmp_path):
    first = SentLog(tmp_path / "sent.log")
    for key in (KEY, OTHER, KEY):
        first.add("r1", key, "a model/x")
    first.add("r2", KEY, "m")
    first.close()
    second = SentLog(tmp_path / "sent.log")
    assert second.counts("r1") == {(KEY, "a model/x"): 2, (OTHER, "a model/x"): 1}
    second.close()


def test_a_line_that_was_cut_is_none(tmp_path):
    (tmp_path / "sent.log").write_text(f"r1 {KEY} m\nr1 {OTHER[:20]}")
    log = SentLog(tmp_path / "sent.log")
    assert log.counts("r1") == {(KEY, "m"): 1}
    log.close()


def test_a_second_process_is_refused_until_the_first_has_ended(tmp_path):
    first = SentLog(tmp_path / "sent.log")
    with pytest.raises(PoolError, match="Another process is filling"):
        SentLog(tmp_path / "sent.log")
    first.close()
    SentLog(tmp_path / "sent.log").close()


def add_and_die(path):
    import os
    import signal

    SentLog(path).add("r1", KEY, "m")
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.timeout(60)
def test_a_line_outlives_kill_9_and_the_lock_does_not(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=add_and_die, args=(tmp_path / "sent.log",))
    process.start()
    process.join(50)
    assert process.exitcode == -9
    log = SentLog(tmp_path / "sent.log")
    assert log.counts("r1") == {(KEY, "m"): 1}
    log.close()
