"""`off-policy`: what a router would have earned on traffic that another one routed."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

from rl_router.cli.parts import Commands, add_command
from rl_router.errors import RecipeError


def add(commands: Commands) -> None:
    text = "estimate from a gateway's log what another router would have earned"
    off_policy = add_command(commands, "off-policy", off_policy_command, text)
    off_policy.add_argument(
        "log", metavar="LOG", type=Path, help="JSON lines with propensities, see docs/evaluation.md"
    )
    help_text = "a run of `rl-router train`, a folder that a router was saved in, or a model of the log"
    off_policy.add_argument("--policy", metavar="ROUTER", nargs="+", required=True, help=help_text)
    off_policy.add_argument("--cost-weight", type=float, default=0.0, metavar="W", help="of the routers (default: 0)")
    off_policy.add_argument("--json", action="store_true", help="every estimate as JSON")


def off_policy_command(args: argparse.Namespace) -> None:
    if not 0 <= args.cost_weight < math.inf:
        raise RecipeError(f"expected a --cost-weight of zero or more, got {args.cost_weight:g}")
    from rich.console import Console

    from rl_router.evaluation.off_policy.report import judge, print_values, records

    values = judge(args.log, args.policy, cost_weight=args.cost_weight)
    if args.json:
        print(json.dumps(records(values), ensure_ascii=False, indent=2))
    else:
        print_values(values, Console())
