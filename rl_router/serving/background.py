"""A gateway in a thread of this process, at a port of its own on the loopback: for the Controller and notebooks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from rl_router.serving.app import Gateway
from rl_router.serving.job import ServeJob
from rl_router.serving.server import GatewayServer, listen

START_S = 60.0


class BackgroundGateway:
    """`url` is its address, up to and with `/v1`. `stop` answers what has been accepted first."""

    def __init__(self, job: ServeJob, environment: Mapping[str, str]) -> None:
        job = replace(job, limits=replace(job.limits, drain_s=0.0))
        self.gateway = Gateway(job, environment)
        listening = listen(job.host, job.port)
        host, port = listening.getsockname()[:2]
        self.url = f"http://{host}:{port}/v1"
        self._server = GatewayServer(self.gateway)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="gateway", daemon=True
        )
        self._thread.start()
        self._server.wait_started(START_S)

    def stop(self) -> None:
        self.gateway.draining = True
        self._server.should_exit = True
        self._thread.join()


@contextmanager
def gateway_in_background(job: ServeJob, environment: Mapping[str, str]) -> Iterator[BackgroundGateway]:
    running = BackgroundGateway(job, environment)
    try:
        yield running
    finally:
        running.stop()
