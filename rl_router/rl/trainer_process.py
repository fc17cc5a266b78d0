"""Stock verl as a child process: started from a job, watched, and never left behind.

The child runs `python -m verl.trainer.main_ppo` with the overrides of `verl_config`. Every process that it starts,
Ray's daemons included, inherits a marker in its environment, by which all of them are found and ended.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from rl_router.errors import RunError

MARKER = "RL_ROUTER_RUN_DIR"
POLL_S = 0.1
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def mark_of(run_dir: Path) -> str:
    return str(run_dir.resolve())


def end_processes_of(run_dir: Path) -> int:
    """Kill what an earlier, killed run of this folder left running. Returns how many there were."""
    marked = [p for p in psutil.process_iter() if p.pid != os.getpid() and _marker(p) == mark_of(run_dir)]
    for process in marked:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(marked, timeout=10)
    return len(marked)


def _marker(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARKER)
    except (psutil.Error, OSError):
        return None


@contextmanager
def ray_folder() -> Iterator[Path]:
    """A short path of its own: Ray's sockets lie in it, and their names have a limit of about 100 characters."""
    with tempfile.TemporaryDirectory(prefix="rlr-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def run_trainer(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    run_dir: Path,
    log: Path,
    metrics: Path,
    stall_timeout_s: float,
) -> Generator[tuple[int, dict[str, Any]], None, None]:
    """Yield `(step, metrics)` as verl logs them. RunError when the trainer fails or says nothing for too long."""
    command = [sys.executable, "-m", "verl.trainer.main_ppo", "hydra.run.dir=.", "hydra.output_subdir=null", *arguments]
    with open(log, "a") as file:
        began = file.tell()
        file.write("$ " + shlex.join(command) + "\n")
        file.flush()
        child = subprocess.Popen(
            command,
            cwd=run_dir,
            env={**os.environ, **environment, MARKER: mark_of(run_dir)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield from _follow(child, metrics, log, began, stall_timeout_s)
        finally:
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    child.kill()
            end_processes_of(run_dir)
            _end_session(child.pid)


def _end_session(leader: int) -> None:
    """Kill what the trainer's session still holds: Ray's agents rename themselves, and with that lose their marker."""
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader:
                process.kill()
        except (psutil.Error, OSError):
            continue


def _follow(
    child: subprocess.Popen[bytes], metrics: Path, log: Path, began: int, stall_timeout_s: float
) -> Iterator[tuple[int, dict[str, Any]]]:
    read, last_s = 0, time.monotonic()
    while True:
        ended = child.poll() is not None  # asked before reading, so that the last lines are not missed
        lines = metrics.read_bytes().splitlines(keepends=True) if metrics.is_file() else []
        for line in lines[read:]:
            if not line.endswith(b"\n"):
                break
            read += 1
            last_s = time.monotonic()
            row = json.loads(line)
            yield int(row["step"]), row["data"]
        if ended:
            break
        if time.monotonic() - last_s > stall_timeout_s:
            last_words = _tail(log, began)
            raise RunError(f"the trainer has said nothing for {stall_timeout_s:g} s and was ended: {last_words}")
        time.sleep(POLL_S)
    if child.returncode != 0:
        raise RunError(f"the trainer ended with exit code {child.returncode}: {_tail(log, began)} (all of it in {log})")


def _tail(log: Path, began: int) -> str:
    """The last error line of what was logged after `began`, where this attempt starts, or its last line."""
    text = _COLOUR.sub("", log.read_bytes()[began:].decode("utf-8", "replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line and "Warning:" not in line and not line.startswith("$")]
    return (errors or lines or ["nothing"])[-1][-400:]
