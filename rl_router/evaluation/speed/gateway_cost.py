"""CPU and throughput of gateways, measured side by side: the same backend, the same questions, in alternating rounds.

All run at the same time and are asked in turn, so that what else the machine does falls on each alike. CPU seconds are
those of a gateway's process and its children, user and system.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from rl_router.errors import RunError
from rl_router.evaluation.speed.chat_load import Load

START_S = 180.0
WARM_UP = 64


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A gateway to measure. `command` is its command line, from its port, the backend's URL and a folder of its own."""

    name: str
    model: str
    command: Callable[[int, str, Path], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GatewaySpeed:
    """Means over the rounds. `requests_per_core_s` is what a core of its own would serve: 1 ÷ CPU per request."""

    gateway: str
    stream: bool
    connections: int
    requests: int
    failures: int
    cpu_ms: float
    requests_per_s: float
    requests_per_core_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Running:
    contender: Contender
    process: psutil.Process
    url: str

    def cpu_s(self) -> float:
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(process.cpu_times()[:2]) for process in family)

    def memory_bytes(self) -> int:
        family = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_info().rss for process in family)


def measure(
    contenders: Sequence[Contender], *, requests: int, connections: int, rounds: int, events: int, gap_s: float,
    folder: Path, say: Callable[[str], None],
) -> list[GatewaySpeed]:  # fmt: skip
    """`requests` of each kind in each round for each contender."""
    with ExitStack() as stack:
        models = stack.enter_context(backend(events, gap_s))
        running = []
        for contender in contenders:
            say(f"starting {contender.name}")
            running.append(stack.enter_context(started(contender, models, folder / contender.name)))
        found: dict[tuple[str, bool], list[tuple[Load, float]]] = {}
        number = 0
        for round_number in range(rounds + 1):
            for one in running:
                for stream in (False, True):
                    count = requests if round_number else WARM_UP
                    load = Load(url=one.url, model=one.contender.model, requests=count, connections=connections,
                                stream=stream, first=number)  # fmt: skip
                    number += count
                    before_s = one.cpu_s()
                    asyncio.run(load.run())
                    if round_number:
                        found.setdefault((one.contender.name, stream), []).append((load, one.cpu_s() - before_s))
            say(f"round {round_number} of {rounds}" if round_number else "warm")
    return [_speed(name, stream, loads) for (name, stream), loads in found.items()]


def _speed(name: str, stream: bool, loads: Sequence[tuple[Load, float]]) -> GatewaySpeed:
    requests = sum(load.requests for load, _ in loads)
    cpu_s = sum(cpu_s for _, cpu_s in loads)
    latencies_s = sorted(latency_s for load, _ in loads for latency_s in load.latencies_s)
    return GatewaySpeed(
        gateway=name,
        stream=stream,
        connections=loads[0][0].connections,
        requests=requests,
        failures=sum(len(load.failures) for load, _ in loads),
        cpu_ms=1000 * cpu_s / requests,
        requests_per_s=requests / sum(load.seconds for load, _ in loads),
        requests_per_core_s=requests / cpu_s,
        p50_ms=1000 * latencies_s[len(latencies_s) // 2],
        p99_ms=1000 * latencies_s[int(len(latencies_s) * 0.99)],
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def backend(events: int, gap_s: float, faults: Sequence[float] = ()) -> Iterator[str]:
    """The URL of the models, who fail, hang and drop with these chances."""
    port = free_port()
    module = "rl_router.evaluation.speed.chat_server"
    command = [sys.executable, "-m", module, str(port), str(events), str(gap_s), *map(str, faults)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RunError("the server that answers for the models did not start")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


@contextmanager
def started(contender: Contender, backend: str, folder: Path) -> Iterator[Running]:
    """The gateway as a process, from the moment that it takes connections."""
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "output.log"
    with log.open("w") as output, subprocess.Popen(
        contender.command(port, backend, folder), stdout=output, stderr=output, cwd=folder,
        env={**os.environ, **contender.environment},
    ) as process:  # fmt: skip
        meter = psutil.Process(process.pid)
        try:
            _wait_for(port, process, log)
            yield Running(contender, meter, f"http://127.0.0.1:{port}/v1")
        finally:
            with suppress(psutil.NoSuchProcess):
                for child in meter.children(recursive=True):
                    child.kill()
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    said = log.read_text(errors="replace")[-300:]
    raise RunError(f"a gateway did not start: {said}")
