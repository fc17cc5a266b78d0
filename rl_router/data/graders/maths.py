r"""Mathematical equality by math-verify: \frac12, 0.5 and 1/2 are one answer.

It runs in a few worker processes of their own, started when first needed: sympy can take for ever on what a model
writes, and a process can be ended. Workers are plain child processes that read lines, so nothing is forked from a
program with threads, no `__main__` runs twice, and they end with the process that started them.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import re
import select
import subprocess
import sys
import time
from threading import Lock

from rl_router.data.graders.final_answer import marked_answer, without_thoughts
from rl_router.types import Query

TIMEOUT_S = 15.0
START_S = 60.0
"""Importing sympy takes seconds, on a busy machine many; the first comparison of a worker may wait so much longer."""
WORKERS = min(4, os.cpu_count() or 1)
TAIL = 2000
"""Characters of an unmarked reply that are searched for an answer, from its end."""


def grade_maths(response: str, query: Query) -> float | None:
    """1.0 when the answer equals an accepted one as mathematics; None when that could not be decided in time."""
    if not query.answers:
        return None
    marked = marked_answer(response)
    given = without_thoughts(response).strip()[-TAIL:] if marked is None else marked[-TAIL:]
    if not given:
        return 0.0
    if any(plain(given) == plain(right) for right in query.answers):
        return 1.0
    return pool().compare(given, list(query.answers), marked=marked is not None)


def plain(text: str) -> str:
    """TeX without what changes nothing: spaces, \\left, dollar signs, a full stop. Equal texts need no algebra."""
    text = re.sub(r"\\(?:left|right|,|!|;|:|displaystyle|\s)|[\s$]", "", text).rstrip(".")
    return re.sub(r"\\[dt]frac", r"\\frac", text)


class Worker:
    """One process that compares. `ask` returns None when it had to be ended, and then the next `ask` starts another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, given: str, answers: list[str], marked: bool, timeout_s: float) -> float | None:
        fresh = self._process is None
        process = self._process = self._process or _start()
        assert process.stdin is not None and process.stdout is not None
        line = json.dumps({"given": given, "answers": answers, "marked": marked}).encode() + b"\n"
        try:
            process.stdin.write(line)
            process.stdin.flush()
            reply = _read_line(process.stdout.fileno(), timeout_s + (START_S if fresh else 0.0))
        except OSError:
            reply = None
        if reply is None:
            self.end()
            return None
        score = json.loads(reply)["score"]
        return None if score is None else float(score)

    def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


class WorkerPool:
    """At most `workers` comparisons at once; a thread that finds all of them busy waits its turn."""

    def __init__(self, workers: int = WORKERS, timeout_s: float = TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self._workers = [Worker() for _ in range(workers)]
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()  # the last one used is the warm one
        for worker in reversed(self._workers):
            self._idle.put(worker)

    def compare(self, given: str, answers: list[str], *, marked: bool) -> float | None:
        worker = self._idle.get()
        try:
            return worker.ask(given, answers, marked, self.timeout_s)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        for worker in self._workers:
            worker.end()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "rl_router.data.graders.maths_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _read_line(descriptor: int, timeout_s: float) -> bytes | None:
    """One line, None when it does not come in time or the writer has died."""
    until, data = time.monotonic() + timeout_s, b""
    while not data.endswith(b"\n"):
        left = until - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return None
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return None
        data += chunk
    return data


_pool: WorkerPool | None = None
_lock = Lock()


def pool() -> WorkerPool:
    """The pool of this process; none before the first comparison."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = WorkerPool()
            atexit.register(_pool.close)
        return _pool


def _forget() -> None:
    """A forked child must not share its parent's pipes."""
    global _pool, _lock
    _pool, _lock = None, Lock()


os.register_at_fork(after_in_child=_forget)
