"""`route`: one query through a trained router, with every call and its cost."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_router.cli.parts import Commands, add_command
from rl_router.cli.routers import NAME
from rl_router.errors import RecipeError

if TYPE_CHECKING:
    from rl_router.observe.run_folder import RunFolder
    from rl_router.routers.named import Named
    from rl_router.types import Episode


def add(commands: Commands) -> None:
    text = "let a trained router answer one query, and show every call and its cost"
    route = add_command(commands, "route", route_command, text)
    route.add_argument("run", metavar="RUN", type=Path, help=NAME)
    route.add_argument("query", metavar="QUERY")
    weight = "0: only quality (default: 0.5 for a policy; a classical router's calibration, else 0)"
    route.add_argument("--cost-weight", type=float, metavar="W", help=weight)
    route.add_argument("--json", action="store_true", help="the whole episode as JSON")


def route_command(args: argparse.Namespace) -> None:
    if args.cost_weight is not None and not 0 <= args.cost_weight < math.inf:
        raise RecipeError(f"expected a --cost-weight of zero or more, got {args.cost_weight:g}")
    if not args.query.strip():
        raise RecipeError("expected a query, got an empty text")
    from rl_router.routers.named import find_router

    named = find_router(args.run)
    if named is not None:
        decide(args, named)
        return
    from rl_router.observe.rollouts import episode_record
    from rl_router.observe.run_folder import RunFolder

    folder = RunFolder.open(args.run)
    record = episode_record(played(folder, args.query.strip(), args.cost_weight))
    print(json.dumps(record, ensure_ascii=False, indent=2) if args.json else episode_view(record))


def played(folder: RunFolder, query: str, cost_weight: float | None) -> Episode:
    """What a router that asks models itself comes to."""
    from rl_router.episode.multi_round_run import is_multi_round, read_multi_round

    if not is_multi_round(folder):
        from rl_router.evaluation.run.harness import route_query

        return route_query(folder.path, query, 0.5 if cost_weight is None else cost_weight)
    import os

    from rl_router.evaluation.run.multi_round import ask_multi_round
    from rl_router.types import Query

    run = read_multi_round(folder.path)
    live = None if run.job.backend == "simulated" else run.job.live_pool()
    typed = Query(query_id="typed", text=query, answers=(), task="")
    return ask_multi_round(run, [typed], cost_weight, live=live, environment=os.environ)[0]


def decide(args: argparse.Namespace, named: Named) -> None:
    """The decision of a classical router: it calls no model."""
    from rl_router.cli.routers import decision_record, decision_view
    from rl_router.routers.named import open_router
    from rl_router.types import Query

    opened = open_router(named, args.cost_weight)
    query = Query(query_id="typed", text=args.query.strip(), answers=(), task="")
    decision = opened.router.route([query], cost_weight=opened.cost_weight)[0]
    record = decision_record(query, decision, opened.cost_weight, opened.why)
    print(json.dumps(record, ensure_ascii=False, indent=2) if args.json else decision_view(record))


def episode_view(record: dict[str, Any]) -> str:
    """An episode for reading: what was asked, every call with its cost, the answer and the sum."""
    from rl_router.observe.formats import cost_weight, usd

    lines = [f"query   {record['question']}", f"λ       {cost_weight(record['cost_weight'])}", ""]
    for number, call in enumerate(record["calls"], start=1):
        tokens = f"{call['prompt_tokens']} + {call['completion_tokens']} tokens"
        trouble = "" if call["status"] == "ok" else f", {call['status']}"
        lines.append(f"call {number}  {call['model']}  {usd(call['cost_usd'])}  ({tokens}{trouble})")
        lines += [f"        asks   {call['query']}", f"        reply  {call['reply']}"]
    if not record["calls"]:
        lines.append("no call")
    answer = "(none)" if record["answer"] is None else record["answer"]
    lines += ["", f"answer  {answer}", f"total   {usd(record['cost_usd'])}", f"ended   {record['stop']}"]
    return "\n".join(lines)
