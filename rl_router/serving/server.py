"""The process around the gateway: uvicorn, signals, and an end at which every accepted request has its answer.

SIGTERM: `/ready` says no, answers close their connections, and after `drain_s` nothing new is accepted; what runs may
take `stop_s` more. SIGHUP: routers, pool and keys are read anew without dropping a request.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from types import FrameType

import uvicorn

from rl_router.errors import RouterError, RunError
from rl_router.observe.console import say
from rl_router.serving.app import Gateway
from rl_router.serving.catalog import Catalog
from rl_router.serving.job import ServeJob
from rl_router.serving.workers import Workers

log = logging.getLogger("rl_router.serving")
BACKLOG = 4096
TAKE_REST_S = 0.1


class GatewayServer(uvicorn.Server):
    def __init__(self, gateway: Gateway) -> None:
        job = gateway.job
        config = uvicorn.Config(
            gateway,
            backlog=BACKLOG,
            access_log=False,
            log_level="warning",
            server_header=False,
            date_header=False,
            proxy_headers=False,
            ws="none",
            timeout_keep_alive=75,
            timeout_graceful_shutdown=max(1, round(job.limits.stop_s)),
        )
        super().__init__(config)
        self._gateway = gateway
        self._answering = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reload_at_start = False
        if threading.current_thread() is threading.main_thread():  # no other may listen to signals
            signal.signal(signal.SIGHUP, self._hang_up)  # now: one that comes before the loop runs must not end us

    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        if self._reload_at_start:
            self._reload()
        await super()._serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._answering.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """First take what the kernel has accepted for us already; closing the socket would reset it."""
        for listening in sockets or ():
            listening.listen(0)
        await asyncio.sleep(TAKE_REST_S)
        await super().shutdown(sockets)

    def wait_started(self, timeout_s: float) -> None:
        """From another thread: until requests are answered. RunError when that takes too long."""
        if not self._answering.wait(timeout_s):
            raise RunError(f"the gateway did not start within {timeout_s:g} seconds")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once."""
        if self._gateway.draining:
            self.should_exit = self.force_exit = True
            return
        self._gateway.draining = True
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._loop.call_later, self._gateway.job.limits.drain_s, self._stop)

    def _stop(self) -> None:
        self.should_exit = True

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        if self._loop is None:
            self._reload_at_start = True
        else:
            self._loop.call_soon_threadsafe(self._reload)

    def _reload(self) -> None:
        task = asyncio.ensure_future(self._gateway.reload())
        task.add_done_callback(_say_reloaded)


def serve(job: ServeJob) -> None:
    """Until a signal ends it. RunError when the port is taken."""
    listening = listen(job.host, job.port)
    host, port = listening.getsockname()[:2]
    if job.workers == 1:
        gateway = Gateway(job, os.environ)
        server = GatewayServer(gateway)
        say(f"serving {', '.join(gateway.catalog.names.all()[:6])} … at http://{host}:{port}/v1")
        server.run(sockets=[listening])
        return
    asyncio.run(Catalog.open(job, os.environ).close())  # what is wrong is said once, and not by every worker
    workers = Workers(job, listening)
    say(f"{job.workers} workers serve at http://{host}:{port}/v1")
    workers.run()


def listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=BACKLOG, reuse_port=False)
    except OSError as error:
        raise RunError(f"{host}:{port} cannot be served at ({error.strerror}): name another port") from None


def _say_reloaded(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is None:
        say("reloaded")
    elif isinstance(error, RouterError):
        say(f"not reloaded, all stays as it was: {error}")
    else:
        log.error("not reloaded, all stays as it was", exc_info=error)
