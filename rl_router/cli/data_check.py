"""`data check`: every fault of a routing table at once, and what there is to gain by routing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rl_router.cli.parts import Commands, add_command

KINDS = ("schema", "duplicate", "leak", "order", "price", "score")


def add(commands: Commands) -> None:
    check = add_command(commands, "check", check_command, "report every fault of a routing table, and its headroom")
    check.epilog = "Exit code 0 when there is no fault, 1 when there is one, 2 when the file cannot be read."
    check.add_argument("file", metavar="FILE", type=Path, help="a routing table (parquet), valid or not")
    check.add_argument(
        "--allow", metavar="KIND", action="append", default=[], choices=KINDS,
        help=f"take faults of this kind for notes: {', '.join(KINDS)}; may be given again",
    )  # fmt: skip
    check.add_argument("--json", action="store_true", help="the report as JSON")


def check_command(args: argparse.Namespace) -> None:
    from rl_router.data.checks import Kind, check_file
    from rl_router.data.checks.show import report_lines
    from rl_router.errors import FaultsFoundError

    report = check_file(args.file).allowing([Kind(kind) for kind in args.allow])
    if args.json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(report_lines(report)))
    if report.faults:
        kinds = ", ".join(sorted({finding.kind.value for finding in report.faults}))
        raise FaultsFoundError(f"{args.file} has faults ({kinds}); mend them, or --allow what is known.")
