"""`evaluate` and `report`: a run beside every baseline, or a suite of routers, as a table and as a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rl_router.cli.parts import CHANGES, Commands, add_command


def add(commands: Commands) -> None:
    text = "evaluate the routers of a suite, or a run again, beside every baseline"
    evaluate = add_command(commands, "evaluate", evaluate_command, text)
    what = "a suite from `rl-router list suites`, a .yaml file of one, a run folder, or router-NAME-THRESHOLD"
    evaluate.add_argument("what", metavar="SUITE|RUN", help=what)
    changes = "change a key: table=PATH.parquet routers=[knn,svm] of a suite, evaluation.queries=100 of a run"
    evaluate.add_argument("changes", help=changes, **CHANGES)
    evaluate.add_argument("--json", action="store_true", help="a suite's results as JSON instead of a table")

    report = add_command(commands, "report", report_command, "write the report of a run or an evaluation anew")
    report.add_argument("run", metavar="RUN", type=Path, help="a run folder, such as runs/quickstart")


def evaluate_command(args: argparse.Namespace) -> None:
    if Path(args.what).expanduser().is_dir():
        evaluate_run_folder(args)
    elif args.what.startswith("router-"):
        evaluate_named(args)
    else:
        evaluate_suite_recipe(args)


def evaluate_named(args: argparse.Namespace) -> None:
    """RouteLLM's name of a router: a suite may be called router-something too, so the suites come second."""
    from rl_router.recipe import read_changes
    from rl_router.routers.named import find_router

    named = find_router(args.what)
    if named is None:
        evaluate_suite_recipe(args)
        return
    from rl_router.evaluation.run.classical import evaluate_threshold

    show_results(evaluate_threshold(named, read_changes(named.run / "config.json", args.changes)))


def evaluate_suite_recipe(args: argparse.Namespace) -> None:
    from rl_router.recipe_suite import load_suite

    suite = load_suite(args.what, args.changes)
    from rl_router.evaluation.suite.evaluate import evaluate_suite

    show_suite(evaluate_suite(suite), as_json=args.json)


def show_suite(folder: Any, as_json: bool = False) -> None:
    """The tables of an evaluation, made from its lines, then the name of the report that shows it all."""
    from rl_router.evaluation.report.summary import to_json
    from rl_router.evaluation.report.tables import print_summary
    from rl_router.evaluation.report.write import write_reports

    summary = write_reports(folder)
    if as_json:
        from rl_router.observe.files import json_text

        print(json_text(to_json(summary)))
        return
    print_summary(summary)
    print(f"Report: {folder.report}")


def evaluate_run_folder(args: argparse.Namespace) -> None:
    from rl_router.observe.run_folder import RunFolder
    from rl_router.recipe import read_changes

    folder = RunFolder.open(args.what)
    from rl_router.episode.multi_round_run import is_multi_round

    if is_multi_round(folder):
        from rl_router.errors import RecipeError

        raise RecipeError(
            f"a multi-round router is judged beside others in a suite: rl-router evaluate quick routers=[{args.what}]"
        )
    changes = read_changes(folder.config, args.changes)
    from rl_router.evaluation.run.classical import evaluate_router_run, is_router_run

    if is_router_run(folder):
        evaluate_router_run(folder.path, changes)
        show_results(folder.path)
        return
    from rl_router.evaluation.run.harness import evaluate_run

    evaluate_run(folder.path, changes)
    show_results(folder.path)


def show_results(run: Path) -> None:
    """The table, then the name of the report that shows it all."""
    from dataclasses import replace

    from rl_router.evaluation.run.results import print_table, read_results
    from rl_router.observe.formats import Budget
    from rl_router.observe.run_folder import RunFolder

    folder = RunFolder.open(run)
    rows = read_results(folder.results)
    if folder.is_budgeted:
        rows = [row if row.cost_weight is None else replace(row, cost_weight=Budget(row.cost_weight)) for row in rows]
    print_table(rows)
    write_report(folder)


def report_command(args: argparse.Namespace) -> None:
    from rl_router.observe.run_folder import RunFolder

    if (args.run / "suite.json").is_file():
        from rl_router.evaluation.suite.folder import SuiteFolder

        show_suite(SuiteFolder.open(args.run))
        return
    write_report(RunFolder.open(args.run))


def write_report(folder: Any) -> None:
    from rl_router.observe.report import write_report

    write_report(folder)
    print(f"Report: {folder.report}")
