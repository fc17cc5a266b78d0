"""`recovery`: RouteLLM's metrics for saved routers between a weak and a strong model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rl_router.cli.parts import Commands, add_command


def add(commands: Commands) -> None:
    text = "how much of a strong model's lead routers recover for how many calls to it (APGR, CPT)"
    recovery = add_command(commands, "recovery", recovery_command, text)
    recovery.add_argument("table", metavar="TABLE", type=Path, help="a routing table with both models' scores")
    recovery.add_argument("routers", metavar="ROUTER", nargs="*", help="a folder that a router was saved in")
    recovery.add_argument("--weak", metavar="MODEL", help="needed when the table has more than two models")
    recovery.add_argument("--strong", metavar="MODEL", help="needed when the table has more than two models")
    recovery.add_argument("--split", default="test", help="of the table (default: test)")
    recovery.add_argument("--json", action="store_true", help="every number as JSON")


def recovery_command(args: argparse.Namespace) -> None:
    from rich.console import Console

    from rl_router.evaluation.two_models.report import judge, print_recoveries, records

    blocks = judge(args.table, args.routers, split=args.split, weak=args.weak, strong=args.strong)
    if args.json:
        print(json.dumps(records(blocks), ensure_ascii=False, indent=2))
    else:
        print_recoveries(blocks, Console())
