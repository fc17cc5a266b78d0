"""Train a job from end to end: warm start, reinforcement learning in verl, and the finished policy folder.

Each stage leaves something whole behind and is skipped when that is there, so the same command after a kill goes on
where the last whole checkpoint was.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from rl_router.episode.rewards import Budgeted
from rl_router.errors import CheckpointError, RecipeError, RunError
from rl_router.observe.console import StepProgress, say
from rl_router.observe.redaction import redact
from rl_router.observe.rollouts import record_groups
from rl_router.observe.run_folder import RunFolder
from rl_router.observe.tracker import Tracker
from rl_router.rl.blind_control import beside, end_control
from rl_router.rl.checkpoints import last_whole_checkpoint, load_checkpoint, step_of
from rl_router.rl.job import TrainJob, job_from_dict, job_to_dict, read_job
from rl_router.rl.prompts import write_prompts
from rl_router.rl.rollout_log import forget_steps, read_step, step_metrics
from rl_router.rl.setting import Setting
from rl_router.rl.trainer_process import end_processes_of, ray_folder, run_trainer
from rl_router.rl.validation import BestCheckpoint
from rl_router.rl.verl_config import AGENT, as_arguments, verl_environment, verl_overrides

ARTEFACTS = (
    "agent_loops.yaml",
    "best",
    "blind",
    "checkpoints",
    "choices.json",
    "episodes.jsonl",
    "held_out.jsonl",
    "main_ppo.log",
    "metrics.jsonl",
    "policy",
    "prompts.parquet",
    "report.html",
    "results.json",
    "rollouts",
    "tensorboard",
    "trainer.log",
    "verl_metrics.jsonl",
    "versions.json",
    "wandb",
    "wandb_run_id.txt",
    "warm_start",
    "config.json",
)
"""What a run writes, and so what `resume=never` removes: nothing else that lies in the folder. The config goes last:
killed in between, the rest must not be taken for the new run's."""


def train(job: TrainJob, setting: Setting | None = None) -> RunFolder:
    """Leaves `warm_start/`, `checkpoints/`, `policy/` and the metrics in the run folder. RunError when verl fails."""
    setting = setting or Setting.of(job)  # refuses bad data before anything is written
    folder = RunFolder(Path(job.run_dir).resolve())
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecipeError(f"no run can be written to {folder.path} ({error.strerror}): name another run_dir") from None
    with _alone(folder.path):
        left = end_control(folder.path) + end_processes_of(folder.path)
        if left:
            say(f"ended {left} processes that an earlier run of {folder.path} had left")
        _begin(job, folder)
        with beside(job) if job.blind_control else nullcontext():
            _warm_start(job, folder, setting)
            if not (folder.policy / "policy.json").is_file():
                if job.algorithm.steps:
                    _reinforce(job, folder, setting)
                _finish(job, folder)
    return folder


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with open(path / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(f"another process is training in {path}; wait for it or choose another run_dir") from error
        yield


def _begin(job: TrainJob, folder: RunFolder) -> None:
    """Write the config, or check that the folder holds a run of the same one."""
    config = job_to_dict(job)
    masked = [key for key, value in redact(config).items() if value != config[key]]
    if masked:  # every process of the run reads its job from the folder
        raise RecipeError(f"{', '.join(masked)} holds what looks like a secret, which no run folder keeps: rename it")
    if folder.config.is_file() and job.resume == "auto":
        before = job_to_dict(read_job(folder.config))
        changed = sorted(key for key in config if key not in ("resume", "run_dir") and config[key] != before[key])
        if changed:
            raise CheckpointError(
                f"{folder.path} holds a run with another {', '.join(changed)};"
                " choose another run_dir, or resume=never to start over"
            )
    elif folder.config.is_file():
        read_job(folder.config)  # refuses to clear a folder whose config.json is not a run's
        for name in ARTEFACTS:
            child = folder.path / name
            shutil.rmtree(child) if child.is_dir() else child.unlink(missing_ok=True)
    folder.write_config(config)
    folder.write_versions()


def _warm_start(job: TrainJob, folder: RunFolder, setting: Setting) -> None:
    if (folder.warm_start / "policy.json").is_file():
        return
    from rl_router.policy.prepare import make_policy

    with StepProgress("warm start", job.warm_start.steps, every=max(1, job.warm_start.steps // 4)) as progress:
        make_policy(
            job.policy,
            job.warm_start,
            task=setting.task,
            dialect=job.dialect,
            cost_weights=job.cost_weights,
            tell_cost_weight=job.tell_cost_weight,
            limits=job.limits,
            seed=job.seed,
            folder=folder.warm_start,
            budgets=isinstance(job.reward, Budgeted),
            draw_models=lambda rng: job.pools.draw(setting.task.pool.names, rng),
            on_step=lambda step, loss: progress.update(step, {"loss": loss}),
        )


def _reinforce(job: TrainJob, folder: RunFolder, setting: Setting) -> None:
    # verl saves a step before it logs it, and outlives a launcher killed alone. What was not logged is made again.
    logged = max((row["step"] for row in folder.read_metrics()), default=0)
    checkpoint = last_whole_checkpoint(folder.checkpoints, through=logged)
    done = step_of(checkpoint) if checkpoint else 0
    rollouts, prompts, loops = (
        folder.path / "rollouts",
        folder.path / "prompts.parquet",
        folder.path / "agent_loops.yaml",
    )
    rollouts.mkdir(exist_ok=True)
    forget_steps(rollouts)
    if not prompts.is_file():
        write_prompts(prompts, setting.task, job)
    loop = {
        "name": AGENT,
        "_target_": "rl_router.rl.agent_loop.EpisodeAgentLoop",
        "config_json": str(folder.config),
        "rollouts_dir": str(rollouts),
    }
    loops.write_text(json.dumps([loop]))  # JSON is YAML
    if done:
        say(f"resuming from step {done} of {job.algorithm.steps}")
    if done >= job.algorithm.steps:
        return
    best = BestCheckpoint(folder.path, job, setting, since=done)
    attempt = folder.path / "verl_metrics.jsonl"
    attempt.unlink(missing_ok=True)
    tracking = job.tracking
    with (
        ray_folder() as ray_dir,
        Tracker(folder, tensorboard=tracking.tensorboard, wandb=tracking.wandb, resume_from_step=done) as tracker,
        StepProgress("training", job.algorithm.steps, start=done) as progress,
    ):
        overrides = verl_overrides(
            job,
            model=folder.warm_start,
            prompts=prompts,
            agent_loops=loops,
            checkpoints=folder.checkpoints,
            resume_from=checkpoint,
            ray_dir=ray_dir,
        )
        trainer = run_trainer(
            as_arguments(overrides),
            environment=verl_environment(job, metrics=attempt),
            run_dir=folder.path,
            log=folder.path / "trainer.log",
            metrics=attempt,
            stall_timeout_s=job.stall_timeout_s,
        )
        with closing(trainer) as steps:  # an interrupt here ends the trainer before its folders go
            for step, verl_metrics in steps:
                groups = read_step(rollouts, step)
                metrics = {**_numbers(verl_metrics), **step_metrics(groups)}
                if best.due(step):
                    metrics |= best.judge(step)
                record_groups(groups, step, folder)
                tracker.log(step, metrics)  # last: a step counts as logged when all of it is
                forget_steps(rollouts, through=step)
                progress.update(step, metrics)


def _numbers(values: Mapping[str, object]) -> dict[str, float]:
    numbers = {k: float(v) for k, v in values.items() if isinstance(v, int | float)}
    if "actor/entropy_loss" in numbers:  # verl's name for the mean entropy where it comes out of the update
        numbers.setdefault("actor/entropy", numbers["actor/entropy_loss"])
    return numbers


def _finish(job: TrainJob, folder: RunFolder) -> None:
    """The best checkpoint as validated, or the last one, as a policy folder with its tokenizer and card."""
    from rl_router.policy.folder import Policy, load_policy, save_policy

    if not job.algorithm.steps:
        save_policy(load_policy(folder.warm_start), folder.policy)
        return
    if job.validation.keep == "best" and (folder.path / "best" / "policy.json").is_file():
        save_policy(load_policy(folder.path / "best"), folder.policy)
        return
    checkpoint = last_whole_checkpoint(folder.checkpoints)
    if checkpoint is None:
        raise RunError(f"verl ended without a checkpoint in {folder.checkpoints}; read {folder.path / 'trainer.log'}")
    start = load_policy(folder.warm_start)
    model = load_checkpoint(checkpoint)
    save_policy(Policy(model=model, tokenizer=start.tokenizer, card=start.card), folder.policy)


if __name__ == "__main__":
    train(job_from_dict(json.loads(sys.argv[1])))
