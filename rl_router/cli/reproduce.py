"""`reproduce`: published numbers beside ours from the same files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rl_router.cli.parts import Commands, add_command
from rl_router.errors import RunError


def add(commands: Commands) -> None:
    text = "compute published numbers again from the files they were published for"
    reproduce = add_command(commands, "reproduce", reproduce_command, text)
    reproduce.add_argument(
        "suites", metavar="SUITE", nargs="*", help="routellm, routerbench or routerdc (default: all)"
    )
    reproduce.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="where the routing tables lie")
    reproduce.add_argument("--json", action="store_true", help="every figure with its source as JSON")


def reproduce_command(args: argparse.Namespace) -> None:
    from rich.console import Console

    from rl_router.evaluation.published.suites import print_figures, records, reproduce

    rows = reproduce(args.data, args.suites)
    if args.json:
        print(json.dumps(records(rows), ensure_ascii=False, indent=2))
    else:
        print_figures(rows, Console())
    wrong = [f"{row.suite}: {row.quantity}" for row in rows if row.agrees is False]
    if wrong:
        raise RunError(f"{len(wrong)} published numbers do not agree with ours: {'; '.join(wrong)}.")
