"""`calibrate`: set a router's dial from a share of strong calls, a budget or a quality, and keep it with the router."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_router.cli.parts import Commands, add_command

if TYPE_CHECKING:
    from rl_router.routers.observations import Observations
    from rl_router.routers.router import Router
    from rl_router.types import Query


def add(commands: Commands) -> None:
    text = "set a router's dial from a share of strong calls, a budget or a quality"
    command = add_command(commands, "calibrate", calibrate_command, text)
    command.add_argument("run", metavar="RUN", type=Path, help="a run folder, such as runs/knn")
    goal = command.add_mutually_exclusive_group(required=True)
    goal.add_argument("--strong-pct", type=float, metavar="SHARE", help="share of calls to the strong model, 0..1")
    goal.add_argument("--budget-usd-per-1k", type=float, metavar="USD", help="most that 1,000 queries may cost")
    goal.add_argument("--quality-target", type=float, metavar="Q", help="least mean quality, 0..1, at the least cost")
    where = "a routing table (.parquet), or traffic (.jsonl, .json, .txt); the table of the run by default"
    command.add_argument("--data", type=Path, metavar="FILE", help=where)
    command.add_argument("--split", metavar="NAME", help="only this split of a table (the run's fitted one by default)")
    command.add_argument("--json", action="store_true", help="as JSON")


def calibrate_command(args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from rl_router.cli.routers import open_router
    from rl_router.routers.calibration import Goal, calibrate

    goals: tuple[Goal, ...] = ("strong_pct", "budget_usd_per_1k", "quality_target")
    goal, target = next((name, getattr(args, name)) for name in goals if getattr(args, name) is not None)
    router = open_router(args.run)
    queries, recorded = calibration_data(args, router)
    found = asdict(calibrate(router, goal, target, queries, recorded))
    router.save(args.run / "router")
    print(json.dumps(found, indent=2) if args.json else calibration_view(found))


def calibration_data(args: argparse.Namespace, router: Router) -> tuple[list[Query], Observations | None]:
    from rl_router.data.query_files import read_queries
    from rl_router.data.table import RoutingTable
    from rl_router.routers.job import read_router_job
    from rl_router.routers.observations import Observations
    from rl_router.routers.splitting import split_table

    prices: Any = ()
    if args.data is None:
        job = read_router_job(args.run / "config.json")
        prices = job.price_list()
        table = split_table(job)[0] if args.split is None else RoutingTable.read(job.data).select(split=args.split)
    elif args.data.suffix == ".parquet":
        table = RoutingTable.read(args.data).select(split=args.split)
    else:
        return read_queries(args.data), None
    known = [model for model in table.models if model in router.models_]
    recorded = Observations.of(table.select(models=known), prices)
    return list(recorded.queries), recorded


def calibration_view(found: dict[str, Any]) -> str:
    from rl_router.observe.formats import count, usd

    goal = found["goal"].replace("_", " ")
    lines = [f"goal      {goal} {found['target']:g}, over {found['queries']:,} queries"]
    if found["threshold"] is not None:
        lines.append(f"set       threshold {found['threshold']:.6f}: {found['strong_share']:.1%} strong calls")
    else:
        lines.append(f"set       cost weight {found['cost_weight']:.6g}")
    lines.append(f"reaches   quality {count(found['quality'])} at {usd(found['cost_usd_per_1k'])} per 1,000 queries")
    return "\n".join([*lines, f"          ({found['measured']})"])
