"""Watch a trainer from outside: at the end of each step, what have all its processes used?

The processes of a run are the descendants of its first one, and those that carry its marker in their environment,
since daemons leave the family. Needs psutil (extra `rl`).
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from rl_router.errors import RunError
from rl_router.evaluation.speed.step_cost import StepMark

MARKER = "RL_ROUTER_WATCHED_RUN"
POLL_S = 0.02


def watch(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, stall_timeout_s: float = 300.0
) -> list[StepMark]:
    """Run `command` to its end, which writes a line per step to metrics.jsonl in `folder`.

    RunError when it fails or writes no line for too long; no process of it is left then.
    """
    metrics, log, seen = folder / "metrics.jsonl", folder / "output.log", list[tuple[float, dict[str, float]]]()
    began_s = last_s = time.monotonic()
    with _child(command, environment, folder, log) as (child, meter):
        while child.poll() is None:
            lines = metrics.read_bytes().count(b"\n") if metrics.is_file() else 0
            if lines > len(seen):
                last_s = time.monotonic()
                seen += [(last_s - began_s, meter.cpu_s())] * (lines - len(seen))
            if time.monotonic() - last_s > stall_timeout_s:
                raise RunError(f"no step for {stall_timeout_s:g} s, the trainer was ended; read {log}")
            time.sleep(POLL_S)
    if child.returncode != 0:
        raise RunError(f"the trainer ended with exit code {child.returncode}; read {log}")
    rows = [json.loads(line) for line in metrics.read_text().splitlines()] if metrics.is_file() else []
    return [_mark(row, *looked) for row, looked in zip(rows, seen, strict=False)]


def _mark(row: Mapping[str, float], clock_s: float, cpu_s: Mapping[str, float]) -> StepMark:
    return StepMark(
        step=int(row["step"]),
        clock_s=clock_s,
        cpu_s=cpu_s,
        own_s=row["timing_s/step"],
        tokens=row["tokens/sampled"],
        reward=row["reward/mean"],
    )


@contextmanager
def _child(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
) -> Iterator[tuple[subprocess.Popen[bytes], ProcessMeter]]:
    marker = str(folder.resolve())
    with open(log, "w") as output:
        child = subprocess.Popen(
            command,
            env={**os.environ, **environment, MARKER: marker},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        meter = ProcessMeter(child.pid, marker)
        try:
            yield child, meter
        finally:
            if child.poll() is None:
                left = meter.processes()
                for process in left:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                child.wait()
                psutil.wait_procs(left, timeout=10)  # a kill takes its time on a busy machine


class ProcessMeter:
    """CPU seconds of the processes of one run, by name. One that has ended keeps what it had when last looked at."""

    def __init__(self, root: int, marker: str):
        self.root, self.marker = root, marker
        self._marked: dict[psutil.Process, bool] = {}
        self._used: dict[psutil.Process, tuple[str, float]] = {}

    def cpu_s(self) -> dict[str, float]:
        """User and system time so far."""
        for process in self.processes():
            try:
                times = process.cpu_times()
                self._used[process] = _name(process), times.user + times.system
            except psutil.Error:
                continue
        total: Counter[str] = Counter()
        for name, used_s in self._used.values():
            total[name] += used_s  # type: ignore[assignment]  # a Counter adds any number
        return dict(total)

    def processes(self) -> list[psutil.Process]:
        running = list(psutil.process_iter())
        for process in running:
            if process not in self._marked:
                self._marked[process] = self._is_marked(process)
        try:
            root = psutil.Process(self.root)
            family = {root, *root.children(recursive=True)}
        except psutil.NoSuchProcess:
            family = set()
        return [p for p in running if p in family or self._marked[p]]

    def _is_marked(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARKER) == self.marker
        except (psutil.Error, OSError):
            return False


def _name(process: psutil.Process) -> str:
    """Ray writes the actor and what it does into the title: `ray::WorkerDict.update_actor` is WorkerDict."""
    title = (process.cmdline() or [process.name()])[0]
    return title.split("::", 1)[1].split(".")[0].split(":")[0] if title.startswith("ray::") else Path(title).name
