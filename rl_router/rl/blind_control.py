"""The control that shows what telling the cost weight adds: the same job with the same budget, never told it.

It trains beside the policy in a process of its own, with a run folder inside the policy's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rl_router.errors import RunError
from rl_router.observe.console import say
from rl_router.rl.job import TrainJob, job_to_dict
from rl_router.rl.trainer_process import MARKER, end_processes_of, mark_of


def blind_job(job: TrainJob) -> TrainJob:
    return replace(
        job,
        name=f"{job.name}_blind",
        run_dir=Path(job.run_dir).resolve() / "blind",
        tell_cost_weight=False,
        blind_control=False,
    )


def end_control(run_dir: Path) -> int:
    """Kill what an earlier, killed run left of its control, the launcher first: it would start its trainer's successor.

    Returns how many processes there were.
    """
    folder = run_dir.resolve() / "blind"
    return end_processes_of(_launcher(folder)) + end_processes_of(folder)


def _launcher(folder: Path) -> Path:
    """A mark of the launcher's own: the policy's trainer ends all that bears the run's, the control's its folder's."""
    return folder / "launcher"


@contextmanager
def beside(job: TrainJob) -> Iterator[None]:
    """Train the control while the body runs, then wait for it. RunError when it fails; ended when the body does."""
    control = blind_job(job)
    control.run_dir.mkdir(parents=True, exist_ok=True)
    if (control.run_dir / "policy" / "policy.json").is_file():
        yield
        return
    log = control.run_dir / "launch.log"
    with open(log, "w") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "rl_router.rl.launch", json.dumps(job_to_dict(control))],
            env={**os.environ, MARKER: mark_of(_launcher(control.run_dir))},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
        if child.poll() is None:
            say("waiting for the blind control, which trains on the other core")
        if child.wait() != 0:
            raise RunError(f"the blind control ended with exit code {child.returncode}; read {log}")
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
            end_processes_of(control.run_dir)
