"""`evaluate` and `report`: a run beside every baseline, as a table and as a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rl_router.cli.parts import CHANGES, Commands, add_command


def add(commands: Commands) -> None:
    evaluate = add_command(commands, "evaluate", evaluate_command, "evaluate a run again, beside every baseline")
    evaluate.add_argument("run", metavar="RUN", type=Path, help="a run folder, such as runs/quickstart")
    evaluate.add_argument("changes", help="change a key of the run, such as evaluation.queries=100", **CHANGES)

    report = add_command(commands, "report", report_command, "write a run's report.html anew")
    report.add_argument("run", metavar="RUN", type=Path, help="a run folder, such as runs/quickstart")


def evaluate_command(args: argparse.Namespace) -> None:
    from rl_router.observe.run_folder import RunFolder
    from rl_router.recipe import read_changes

    folder = RunFolder.open(args.run)
    changes = read_changes(folder.config, args.changes)
    from rl_router.evaluation.run.harness import evaluate_run

    evaluate_run(folder.path, changes)
    show_results(folder.path)


def show_results(run: Path) -> None:
    """The table, then the name of the report that shows it all."""
    from rl_router.evaluation.run.results import print_table, read_results
    from rl_router.observe.run_folder import RunFolder

    folder = RunFolder.open(run)
    print_table(read_results(folder.results))
    write_report(folder)


def report_command(args: argparse.Namespace) -> None:
    from rl_router.observe.run_folder import RunFolder

    write_report(RunFolder.open(args.run))


def write_report(folder: Any) -> None:
    from rl_router.observe.report import write_report

    write_report(folder)
    print(f"Report: {folder.report}")
