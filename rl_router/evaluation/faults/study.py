"""The quickstart's training with its models behind HTTP: as they are, misbehaving, or slow; curves side by side.

All runs begin with one warm start, in which some calls fail and are made again, and read the same prompts in the same
order, but for the one with another seed, which says how much two undisturbed runs differ.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

from rl_router.episode.world_task import WorldTask
from rl_router.errors import RouterError
from rl_router.evaluation.faults.server import FAULTS, WorldServer
from rl_router.observe.console import say
from rl_router.observe.files import write_json
from rl_router.policy.config import WarmStart
from rl_router.pool.live_pool import LivePool
from rl_router.rl.job import TrainJob, Validation
from rl_router.rl.launch import train
from rl_router.rl.presets import Dapo

COUNTED = {
    "timeout": ("calls/timeout", "tries/timeout"),
    "rate_limited": ("calls/rate_limited", "tries/rate_limited"),
    "unreadable": ("calls/unreadable", "tries/unreadable"),
    "tags": ("replies/defused",),
    "megabyte": ("replies/cut",),
}
"""Where the metrics of a step count each fault."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One run: how the models behave, and the seed."""

    name: str
    share: float = 0.0
    latency_s: float = 0.0
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Found:
    """`rewards` and `step_s` have an entry per step; `sent` and `counted` the faults of each kind."""

    variant: Variant
    rewards: list[float]
    step_s: list[float]
    sent: dict[str, int]
    counted: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    variants = [Variant(name="undisturbed"), Variant(name="undisturbed, another seed", seed=1)]
    if args.share:
        variants.append(Variant(name=f"faults in {100 * args.share:g} % of tries", share=args.share))
    if args.latency_s:
        variants.append(Variant(name=f"every call {args.latency_s:g} s late", latency_s=args.latency_s))
    try:
        found = [measure(job_of(args), variant, args.folder) for variant in variants]
    except RouterError as error:
        say(f"benchmark_faults: {error}")
        return error.exit_code
    write_json(args.folder / "findings.json", [asdict(f) for f in found])
    print(json.dumps([asdict(f) for f in found], indent=2) if args.json else markdown(found))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train the quickstart's policy with models that misbehave.")
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmark_faults"), help="where the runs lie")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--prompts", type=int, default=16, help="prompts of a step, eight episodes each (16)")
    parser.add_argument("--share", type=float, default=0.3, help="of the tries that meet a fault (0.3); 0: no such run")
    parser.add_argument("--latency-s", type=float, default=0.0, help="also a run whose calls are all so late")
    parser.add_argument("--attempts", type=int, default=3, help="tries of a call, as in recipes/task/live.yaml (3)")
    parser.add_argument("--json", action="store_true")
    return parser


def job_of(args: argparse.Namespace) -> TrainJob:
    served = LivePool(
        file=WorldTask().pool, mode="live", endpoint="http://127.0.0.1:1/v1", concurrency=256, call_timeout_s=2.0,
        total_timeout_s=10.0, attempts=args.attempts, backoff_s=0.1,
    )  # fmt: skip
    algorithm = Dapo(
        steps=args.steps, prompts_per_step=args.prompts, updates_per_step=4, normalise_by_std=False, kl_weight=0.1
    )
    return TrainJob(
        name="faults",
        run_dir=args.folder / "runs",
        task=WorldTask(served=served),
        warm_start=WarmStart(fail=0.1),  # a policy of this size must have seen that a call can fail
        algorithm=algorithm,
        validation=Validation(queries=0, keep="last"),
        checkpoint_every=args.steps,
    )


def measure(job: TrainJob, variant: Variant, folder: Path) -> Found:
    """Train one variant; one that is there already is read."""
    assert isinstance(job.task, WorldTask) and job.task.served is not None
    say(f"training: {variant.name}")
    path = folder / f"seed{variant.seed}_share{variant.share:g}_late{variant.latency_s:g}"
    done = path / "found.json"
    if done.is_file():
        return Found(**{**json.loads(done.read_text()), "variant": variant})
    shutil.rmtree(path, ignore_errors=True)  # a run of half a server's faults cannot be compared
    path.mkdir(parents=True)
    shutil.copytree(_warm_start(job, folder), path / "warm_start")
    simulated = replace(job.task, served=None).build().pool
    with WorldServer(simulated, share=variant.share, latency_s=variant.latency_s) as server:
        task = replace(job.task, served=replace(job.task.served, endpoint=server.url))
        rows = train(replace(job, task=task, run_dir=path, seed=variant.seed)).read_metrics()
        found = Found(
            variant=variant,
            rewards=[row["reward/mean"] for row in rows],
            step_s=[row["timing_s/step"] for row in rows],
            sent={fault: server.counts[fault] for fault in FAULTS},
            counted={f: sum(row.get(key, 0.0) for row in rows for key in keys) for f, keys in COUNTED.items()},
        )
    write_json(done, asdict(found))
    return found


def _warm_start(job: TrainJob, folder: Path) -> Path:
    """Of the simulation itself: demonstrations cost thousands of replies."""
    assert isinstance(job.task, WorldTask)
    start = folder / "warm_start"
    if not start.is_dir():
        plain = replace(job, task=replace(job.task, served=None), run_dir=folder / "start", algorithm=Dapo(steps=0))
        shutil.copytree(train(plain).warm_start, start)
    return start


def markdown(found: Sequence[Found]) -> str:
    """Mean rewards of quarters of the run, step times, differences to the first run, and the faults."""
    first, lines = found[0], []
    quarter = max(1, len(first.rewards) // 4)
    starts = range(0, len(first.rewards) - quarter + 1, quarter)
    names = [f"steps {s + 1}–{s + quarter}" for s in starts]
    lines += [f"| reward | {' | '.join(names)} | second half, less the first run's | seconds a step |"]
    lines += ["|---" * (len(names) + 3) + "|"]
    for f in found:
        means = " | ".join(f"{fmean(f.rewards[s : s + quarter]):.3f}" for s in starts)
        lines.append(f"| {f.variant.name} | {means} | {_difference(f, first)} | {fmean(f.step_s[1:]):.2f} |")
    for f in (f for f in found if f.variant.share):
        lines += ["", "| fault | sent | counted |", "|---|---|---|"]
        lines += [f"| {fault} | {f.sent[fault]} | {f.counted[fault]:.0f} |" for fault in FAULTS]
    return "\n".join(lines)


def _difference(found: Found, first: Found) -> str:
    """Of the second half's steps, with two standard errors over steps."""
    if found is first:
        return ""
    half = len(first.rewards) // 2
    gaps = [a - b for a, b in zip(found.rewards[half:], first.rewards[half:], strict=True)]
    error = 2 * stdev(gaps) / sqrt(len(gaps)) if len(gaps) > 1 else float("nan")
    return f"{fmean(gaps):+.3f} ± {error:.3f}"
