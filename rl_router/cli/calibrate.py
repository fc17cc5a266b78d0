"""`calibrate`: set a router's dial from a share of strong calls, a budget or a quality; kept beside the router."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_router.cli.parts import Commands, add_command
from rl_router.cli.routers import NAME, named_router
from rl_router.errors import RecipeError

if TYPE_CHECKING:
    from rl_router.routers.dial import Calibration
    from rl_router.routers.named import Named
    from rl_router.routers.observations import Observations
    from rl_router.routers.router import Router
    from rl_router.types import Query

GOALS = ("strong_pct", "budget_usd_per_1k", "quality_target")


def add(commands: Commands) -> None:
    text = "set a router's dial from a share of strong calls, a budget or a quality"
    command = add_command(commands, "calibrate", calibrate_command, text)
    command.add_argument("run", metavar="RUN", type=Path, help=NAME)
    goal = command.add_mutually_exclusive_group(required=True)
    goal.add_argument("--strong-pct", type=float, metavar="SHARE", help="share of calls to the strong model, 0..1")
    goal.add_argument("--budget-usd-per-1k", type=float, metavar="USD", help="most that 1,000 queries may cost")
    goal.add_argument("--quality-target", type=float, metavar="Q", help="least mean quality, 0..1, at the least cost")
    goal.add_argument("--clear", action="store_true", help="forget the setting; the router decides as it was trained")
    where = "a routing table (.parquet), or traffic (.jsonl, .json, .txt); the table of the run by default"
    command.add_argument("--data", type=Path, metavar="FILE", help=where)
    command.add_argument("--split", metavar="NAME", help="only this split of a table (the run's fitted one by default)")
    command.add_argument("--json", action="store_true", help="as JSON")


def calibrate_command(args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from rl_router.routers.calibration import calibrate
    from rl_router.routers.dial import write_calibration
    from rl_router.routers.named import load_named

    named = named_router(args.run)
    if args.clear:
        clear(args, named)
        return
    goal = next(name for name in GOALS if getattr(args, name) is not None)
    router = load_named(named)
    queries, recorded = calibration_data(args, named, router)
    found = calibrate(router, goal, getattr(args, goal), queries, recorded)  # type: ignore[arg-type]
    write_calibration(named.folder, found)
    print(json.dumps(asdict(found), indent=2) if args.json else calibration_view(found, args.run))


def clear(args: argparse.Namespace, named: Named) -> None:
    from rl_router.routers.dial import clear_calibration

    cleared = clear_calibration(named.folder)
    said = f"{args.run} is {'no longer' if cleared else 'not'} calibrated: it decides as it was trained"
    print(json.dumps({"cleared": cleared}) if args.json else said)


def calibration_data(args: argparse.Namespace, named: Named, router: Router) -> tuple[list[Query], Observations | None]:
    from rl_router.data.query_files import read_plain_queries
    from rl_router.data.table import RoutingTable
    from rl_router.routers.job import read_router_job
    from rl_router.routers.observations import Observations
    from rl_router.routers.splitting import split_table

    prices: Any = ()
    if args.data is None:
        job = read_router_job(named.run / "config.json")
        prices = job.price_list()
        table = split_table(job)[0] if args.split is None else RoutingTable.read(job.data).select(split=args.split)
    elif args.data.suffix == ".parquet":
        table = RoutingTable.read(args.data).select(split=args.split)
    elif args.split is not None:
        raise RecipeError(f"--split names a part of a table, and {args.data} is traffic: leave it out")
    else:
        return read_plain_queries(args.data), None
    known = [model for model in table.models if model in router.models_]
    if not known:
        raise RecipeError(f"the {table.where} has none of this router's models: {', '.join(router.models_)}")
    recorded = Observations.of(table.select(models=known), prices)
    return list(recorded.queries), recorded


def calibration_view(found: Calibration, run: Path) -> str:
    from rl_router.observe.formats import count, usd

    lines = [f"goal      {found}, over {found.queries:,} queries"]
    if found.threshold is not None:
        asked = "" if found.strong_share is None else f": {found.strong_share:.1%} of the calls"
        lines.append(f"set       threshold {found.threshold:.6f} between {found.weak} and {found.strong}{asked}")
    if found.threshold is None or found.cost_weight > 0:
        lines.append(f"set       cost weight {found.cost_weight:.6g}")
    lines.append(f"reaches   quality {count(found.quality)} at {usd(found.cost_usd_per_1k)} per 1,000 queries")
    lines.append(f"          ({found.measured})")
    return "\n".join([*lines, f"undo      rl-router calibrate {run} --clear"])
