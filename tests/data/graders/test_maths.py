import os
import threading
import time

import pytest

from rl_router.data.graders import grade, maths
from rl_router.data.graders.maths import WorkerPool


@pytest.mark.parametrize(
    ("reply", "answer", "score"),
    [
        ("\\boxed{\\frac12}", "0.5", 1.0),
        ("so $x = \\frac{1}{2}$.", "\\frac12", 1.0),
        ("The answer is 1/2", "\\dfrac{1}{2}", 1.0),
        ("\\boxed{x^2+2x+1}", "(x+1)^2", 1.0),
        ("\\boxed{(0,3]}", "(0, 3]", 1.0),
        ("\\boxed{[0,3]}", "(0, 3]", 0.0),
        ("\\boxed{\\$20.00}", "20", 1.0),
        ("\\boxed{1,234}", "1234", 1.0),
        ("\\boxed{90^\\circ}", "90", 1.0),
        ("\\boxed{\\text{Friday}}", "\\text{Friday}", 1.0),
        ("first \\boxed{3}, then \\boxed{\\frac{14}{3}}", "14/3", 1.0),
        ("\\boxed{\\frac{14}{4}}", "14/3", 0.0),
        ("", "1", 0.0),
    ],
)
def test_equal_as_mathematics(reply, answer, score, question):
    assert grade("maths", reply, question(answer)) == score


def test_every_accepted_answer_counts_and_without_one_nothing_is_graded(question):
    assert grade("maths", "\\boxed{0.5}", question("7", "\\frac12")) == 1.0
    assert grade("maths", "\\boxed{0.5}", question()) is None


@pytest.fixture
def sleepy(monkeypatch):
    """A pool of one worker that never answers; its processes are listed."""
    started = []
    start = maths._start

    def start_sleeping():
        process = start()
        os.kill(process.pid, 19)  # SIGSTOP: alive, and deaf
        started.append(process)
        return process

    monkeypatch.setattr(maths, "_start", start_sleeping)
    monkeypatch.setattr(maths, "START_S", 0.0)
    pool = WorkerPool(workers=1, timeout_s=0.2)
    yield pool, started
    pool.close()


def test_a_worker_that_hangs_is_ended_and_the_answer_is_not_graded(sleepy):
    pool, started = sleepy
    assert pool.compare("1", ["2"], marked=True) is None
    assert pool.compare("1", ["2"], marked=True) is None
    assert [process.returncode for process in started] == [-9, -9]


def test_many_threads_share_a_few_processes():
    pool, scores = WorkerPool(workers=2), []
    threads = [
        threading.Thread(target=lambda: scores.append(pool.compare("0.5", ["1/2"], marked=True))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    processes = [worker._process for worker in pool._workers]
    pool.close()
    assert scores == [1.0] * 8
    assert len([process for process in processes if process is not None]) <= 2


def test_a_worker_ends_when_its_pipe_closes():
    process = maths._start()
    process.stdin.close()
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.stdout.close()
    assert process.returncode == 0
