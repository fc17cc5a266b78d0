"""`compare`: what changed between two evaluations, per task, and the queries that moved most."""

from __future__ import annotations

import argparse
from pathlib import Path

from rl_router.cli.parts import Commands, add_command


def add(commands: Commands) -> None:
    compare = add_command(commands, "compare", compare_command, "show what changed between two evaluations of a suite")
    compare.add_argument("before", metavar="A", type=Path, help="a folder that `rl-router evaluate SUITE` wrote")
    compare.add_argument("after", metavar="B", type=Path, help="another one")
    compare.add_argument("--json", action="store_true", help="as JSON")


def compare_command(args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from rl_router.evaluation.suite.compare import compare_folders
    from rl_router.evaluation.suite.folder import SuiteFolder

    changes = compare_folders(SuiteFolder.open(args.before), SuiteFolder.open(args.after))
    if args.json:
        from rl_router.observe.files import json_text

        print(json_text(asdict(changes)))
        return
    from rl_router.evaluation.report.compare_view import print_changes

    print_changes(changes)
