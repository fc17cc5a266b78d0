"""`train`: from a recipe to a router, its table and its report."""

from __future__ import annotations

import argparse
import signal
import sys

from rl_router.cli.evaluate import show_results
from rl_router.cli.parts import CHANGES, Commands, add_command


def add(commands: Commands) -> None:
    text = "train the router of a recipe, evaluate it and write its report"
    train = add_command(commands, "train", train_command, text)
    train.add_argument("recipe", metavar="RECIPE", help="a name from `rl-router list recipes`, or a .yaml file")
    train.add_argument("changes", help="change a key (seed=1) or choose a part (algorithm=grpo)", **CHANGES)


def train_command(args: argparse.Namespace) -> None:
    from rl_router.recipe import load_job

    job = load_job(args.recipe, args.changes)
    from rl_router.episode.multi_round_run import MultiRoundJob, write_multi_round
    from rl_router.routers.job import RouterJob

    if isinstance(job, MultiRoundJob):
        write_multi_round(job)
        print(
            f'Nothing to train. Ask it: rl-router route {job.run_dir} "…", or serve it: rl-router serve {job.run_dir}'
        )
        return

    if isinstance(job, RouterJob):
        from rl_router.evaluation.run.classical import train_router

        train_router(job)
        show_results(job.run_dir)
        return
    from rl_router.rl.setting import Setting

    setting = Setting.of(job)  # refuses bad data before anything is written
    from rl_router.evaluation.run.harness import evaluate_run
    from rl_router.rl.launch import train

    end_on_signals()
    train(job, setting)
    evaluate_run(job.run_dir, {})
    show_results(job.run_dir)


def end_on_signals() -> None:
    """`kill`, a closed terminal and a batch system's time limit become an exit, which ends the trainer too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # what nohup ignores stays ignored
            signal.signal(number, lambda number, frame: sys.exit(128 + number))
