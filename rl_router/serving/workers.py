"""Several processes behind one port: a parent that listens and never answers, and children that share its socket.

A signal to the parent goes to all. A child that dies is replaced; what it had logged and what its accounts had spent is
in files. Rates of keys are shared out evenly, budgets are read back every second.
"""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from types import FrameType

from prometheus_client.multiprocess import mark_process_dead

from rl_router.observe.console import say
from rl_router.serving.job import ServeJob

METRICS = "PROMETHEUS_MULTIPROC_DIR"
POLL_S = 0.2
SHORT_LIFE_S = 5.0
"""A child that dies sooner than this after its start is not replaced at once: it would die again."""


class Workers:
    """`run` returns when all children have ended after a signal; signals are heard from the beginning."""

    def __init__(self, job: ServeJob, listening: socket.socket) -> None:
        self._job, self._listening = job, listening
        self._children: dict[BaseProcess, float] = {}
        self._ending = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._pass_on)

    def run(self) -> None:
        with tempfile.TemporaryDirectory(prefix="rl-router-metrics-") as folder:
            os.environ.setdefault(METRICS, folder)
            for _ in range(self._job.workers):
                if not self._ending:
                    self._start()
            while self._children:
                time.sleep(POLL_S)
                self._look_after()

    def _start(self) -> None:
        child = get_context("spawn").Process(target=_work, args=(self._job, self._listening))
        # what is ignored stays so in a child until it listens itself: a reload must not end one that is starting
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        child.start()
        signal.signal(signal.SIGHUP, before)
        self._children[child] = time.monotonic()

    def _look_after(self) -> None:
        for child, since_s in list(self._children.items()):
            if child.is_alive():
                continue
            if self._ending:
                del self._children[child]
            elif time.monotonic() - since_s > SHORT_LIFE_S:
                del self._children[child]
                mark_process_dead(child.pid)  # what it was doing is no longer under way
                say(f"a worker ended with {child.exitcode} and is replaced")
                self._start()

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGHUP:
            self._ending = True
            self._listening.close()  # else connections would still be taken when no child is left to answer them
        for child in self._children:
            if child.pid is not None and child.is_alive():
                os.kill(child.pid, number)


def _work(job: ServeJob, listening: socket.socket) -> None:
    from rl_router.serving.app import Gateway
    from rl_router.serving.server import GatewayServer

    GatewayServer(Gateway(job, os.environ, workers=job.workers)).run(sockets=[listening])
