"""One training step of ours, through verl, beside one of TRL's GRPOTrainer: time and tokens per CPU-second, in one run.

Both start from the same warm-started tiny policy and do the same work: the same prompts in the same order, the same
group size, optimiser steps, token limit and rewards, one torch thread. An episode is one sampled turn (decide mode),
which is what TRL does by itself. Nothing is asserted about the times.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rl_router.episode.limits import Limits
from rl_router.episode.world_task import WorldTask
from rl_router.errors import RouterError
from rl_router.evaluation.speed.process_cost import watch
from rl_router.evaluation.speed.step_cost import StepCost, StepMark, ratios, step_cost
from rl_router.observe.console import say
from rl_router.paths import checkout
from rl_router.rl.job import TrainJob, job_to_dict
from rl_router.rl.presets import Grpo
from rl_router.types import Mode

OURS, TRL = "rl-router (verl)", "TRL GRPOTrainer"
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
_TRAIN = (
    "import sys; from pathlib import Path\n"
    "from rl_router.rl.job import read_job; from rl_router.rl.launch import train\n"
    "train(read_job(Path(sys.argv[1])))"
)


def main() -> int:
    options = _options()
    try:
        result = benchmark(options)
    except RouterError as error:
        say(f"error: {error}")
        return 2
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    say(f"written to {options.output}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", type=Path, help="where the figures go, as JSON")
    parser.add_argument("--steps", type=int, default=15, help="counted steps of each trainer in each round (15)")
    parser.add_argument("--warm-up", type=int, default=2, help="steps before the counted ones (2)")
    parser.add_argument("--rounds", type=int, default=1, help="how often the two take turns (1)")
    parser.add_argument("--prompts", type=int, default=20, help="prompts per step (20)")
    parser.add_argument("--group", type=int, default=8, help="episodes per prompt (8)")
    parser.add_argument("--updates", type=int, default=2, help="optimiser steps per step (2)")
    parser.add_argument("--trl", type=Path, help="folder that holds TRL, if it is not installed beside rl-router")
    return parser.parse_args()


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    folder = (checkout() or Path.cwd()) / "runs" / "benchmark_step"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job = _job(options, folder)
    policy, prompts = _prepare(job, folder)
    runs: dict[str, list[list[StepMark]]] = {OURS: [], TRL: []}
    loads = []
    for round_ in range(options.rounds):
        for trainer, run in (
            (OURS, partial(_run_ours, job, policy)),
            (TRL, partial(_run_trl, job, policy, prompts, options.trl)),
        ):
            loads.append(os.getloadavg()[0])
            say(f"round {round_ + 1} of {options.rounds}: {job.algorithm.steps} steps of {trainer}")
            runs[trainer].append(run(folder / f"{'ours' if trainer == OURS else 'trl'}_{round_}"))
    count = partial(step_cost, warm_up=options.warm_up, count=options.steps)
    ours, theirs = count(OURS, runs[OURS]), count(TRL, runs[TRL])
    ahead = ratios(ours, theirs)
    Console().print(_table(ours, theirs))
    parts = ", ".join(f"{name} {used_s:.2f}" for name, used_s in list(ours.cpu_s_per_step_by_process.items())[:6])
    print(f"CPU seconds of a step of ours, by process: {parts}")
    for name, ratio in ahead.items():
        print(f"{name.replace('_', ' ')}: ours is {ratio:.2f} times as good")
    return {
        "ours": asdict(ours),
        "trl": asdict(theirs),
        "ratios": ahead,
        "rounds": options.rounds,
        "job": job_to_dict(job),
        "marks": {name: [[asdict(m) for m in marks] for marks in each] for name, each in runs.items()},
        "machine": {"cpus": os.cpu_count(), "load_before_each_run": loads, "versions": _versions(options.trl)},
    }


def _job(options: argparse.Namespace, folder: Path) -> TrainJob:
    steps = options.warm_up + options.steps + 1  # the last step also saves a checkpoint and is not counted
    return TrainJob(
        name="benchmark_step",
        run_dir=folder,
        task=WorldTask(mode=Mode.DECIDE),
        limits=Limits(max_turns=1),
        algorithm=Grpo(
            steps=steps,
            prompts_per_step=options.prompts,
            group_size=options.group,
            updates_per_step=options.updates,
            final_learning_rate_ratio=1.0,
            kl_weight=0.0,
        ),
        checkpoint_every=steps,
    )


def _prepare(job: TrainJob, folder: Path) -> tuple[Path, Path]:
    """The warm-started policy and the prompt list that both trainers begin with."""
    from rl_router.policy.prepare import make_policy
    from rl_router.rl.prompts import write_prompts

    say("warm start of the policy that both train")
    task = job.task.build()
    policy, prompts = folder / "policy", folder / "prompts.parquet"
    make_policy(
        job.policy,
        job.warm_start,
        task=task,
        cost_weights=job.cost_weights,
        tell_cost_weight=job.tell_cost_weight,
        limits=job.limits,
        seed=job.seed,
        folder=policy,
    )
    write_prompts(prompts, task.train, job)
    return policy, prompts


def _run_ours(job: TrainJob, policy: Path, folder: Path) -> list[StepMark]:
    folder.mkdir()
    shutil.copytree(policy, folder / "warm_start")  # so that the launcher makes none
    config = _write_job(replace(job, run_dir=folder), folder)
    return watch([sys.executable, "-c", _TRAIN, str(config)], environment=_ENVIRONMENT, folder=folder)


def _run_trl(job: TrainJob, policy: Path, prompts: Path, trl: Path | None, folder: Path) -> list[StepMark]:
    folder.mkdir()
    arguments = {
        "job": _write_job(job, folder),
        "policy": policy,
        "prompts": prompts,
        "metrics": folder / "metrics.jsonl",
    }
    script = Path(__file__).with_name("benchmark_trl.py")
    command = [sys.executable, str(script), *(f"--{name}={path}" for name, path in arguments.items())]
    path = os.pathsep.join(str(p) for p in (trl, os.environ.get("PYTHONPATH")) if p)
    return watch(command, environment={**_ENVIRONMENT, "PYTHONPATH": path}, folder=folder)


def _write_job(job: TrainJob, folder: Path) -> Path:
    path = folder / "job.json"
    path.write_text(json.dumps(job_to_dict(job)))
    return path


def _table(ours: StepCost, theirs: StepCost) -> Table:
    table = Table(title=f"{ours.steps} and {theirs.steps} steps")
    for column in ("", OURS, TRL):
        table.add_column(column, justify="left" if not column else "right")
    for name, value in asdict(ours).items():
        if isinstance(value, int | float):
            table.add_row(name.replace("_", " "), f"{value:.4g}", f"{getattr(theirs, name):.4g}")
    return table


def _versions(trl: Path | None) -> dict[str, str]:
    folders = sorted(trl.glob("trl-*.dist-info")) if trl else []
    trl_version = folders[0].name.split("-")[1].removesuffix(".dist") if folders else version("trl")
    return {"trl": trl_version, **{name: version(name) for name in ("verl", "ray", "torch", "transformers")}}


if __name__ == "__main__":
    sys.exit(main())
