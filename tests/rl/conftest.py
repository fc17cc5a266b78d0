"""Jobs small enough for a test. Every test that starts Ray has a hard timeout: a dead engine must not hang CI."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from rl_router.episode.world_task import WorldTask
from rl_router.policy.config import TinyPolicy, WarmStart
from rl_router.rl.job import Rollout, TrainJob
from rl_router.rl.presets import Dapo
from rl_router.rl.trainer_process import MARKER, mark_of


def _small_job(run_dir: Path, **changes) -> TrainJob:
    """Two kinds of questions, one cost weight, 4 groups of 4: a few seconds a step on one core."""
    job = TrainJob(
        name="small",
        run_dir=run_dir,
        cost_weights=(0.5,),
        task=WorldTask(n_train=200, n_val=10, n_test=40, tasks=("units", "lists")),
        policy=TinyPolicy(vocab_size=600),
        warm_start=WarmStart(steps=60, demonstrations=600),
        algorithm=Dapo(steps=3, prompts_per_step=4, group_size=4, warmup_steps=0),
        rollout=Rollout(recompute_log_probs=True),
        checkpoint_every=1,
        stall_timeout_s=300.0,
    )
    return replace(job, **changes)


@pytest.fixture
def job(tmp_path: Path) -> TrainJob:
    return _small_job(tmp_path / "run")


@pytest.fixture(scope="module")
def module_job() -> Callable[..., TrainJob]:
    return _small_job


@pytest.fixture
def small_job() -> Callable[..., TrainJob]:
    return _small_job


@pytest.fixture
def processes_of() -> Callable[[Path], list[psutil.Process]]:
    """What runs for a run folder."""

    def found(run_dir: Path) -> list[psutil.Process]:
        processes = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARKER) == mark_of(run_dir):
                    processes.append(process)
            except (psutil.Error, OSError):
                continue
        return processes

    return found
