"""`infer`: a file of queries through a trained router, and unless told otherwise through the models that it chooses."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_router.cli.parts import Commands, add_command
from rl_router.errors import RecipeError

if TYPE_CHECKING:
    from rl_router.routers.router import Router
    from rl_router.types import Query


def add(commands: Commands) -> None:
    text = "route a file of queries, and ask the models that are chosen"
    infer = add_command(commands, "infer", infer_command, text)
    infer.add_argument("run", metavar="RUN", type=Path, help="a run of a classical router, or router-NAME-THRESHOLD")
    infer.add_argument("--input", type=Path, required=True, metavar="FILE", help=".txt, .json or .jsonl of queries")
    infer.add_argument("--route-only", action="store_true", help="only decide; no model is called")
    infer.add_argument("--pool", metavar="POOL", help="the models to call: a name in recipes/pool or a YAML file")
    infer.add_argument("--endpoint", metavar="URL", help="an OpenAI-compatible endpoint for models that name none")
    infer.add_argument(
        "--cost-weight", type=float, metavar="W", help="0: only quality (default: its calibration, or 0)"
    )
    infer.add_argument("--temp", type=float, metavar="T", help="temperature of the models (default: the provider's)")
    infer.add_argument("--max-tokens", type=int, metavar="N", help="most tokens of a reply")
    infer.add_argument("--concurrency", type=int, default=16, metavar="N", help="calls at once (default: 16)")
    infer.add_argument("--json", action="store_true", help="one JSON object per query")


def infer_command(args: argparse.Namespace) -> None:
    from rl_router.cli.routers import chosen_weight, decision_record, is_router, open_router
    from rl_router.data.query_files import read_queries

    if not is_router(args.run):
        raise RecipeError(
            f"expected the run of a classical router, got {args.run}: for a policy, use `rl-router route`"
        )
    if args.pool is None and not args.route_only:
        raise RecipeError("name the models to call with --pool, or only decide with --route-only")
    if args.max_tokens is not None and args.max_tokens < 1:
        raise RecipeError(f"expected --max-tokens of at least 1, got {args.max_tokens}")
    if args.temp is not None and not 0 <= args.temp <= 2:
        raise RecipeError(f"expected a --temp between 0 and 2, got {args.temp:g}")
    queries = read_queries(args.input)
    router = open_router(args.run)
    weight = chosen_weight(router, args.cost_weight)
    if args.route_only:
        decisions = router.route(queries, cost_weight=weight)
        records = [decision_record(q, d, weight) for q, d in zip(queries, decisions, strict=True)]
    else:
        records = answered(args, router, queries, weight)
    for record in records:
        print(json.dumps(record, ensure_ascii=False) if args.json else line_view(record))


def answered(args: argparse.Namespace, router: Router, queries: list[Query], weight: float) -> list[dict[str, Any]]:
    import asyncio
    import os

    from rl_router.pool.live_pool import LivePool, open_pool
    from rl_router.routers.answering import answer_all

    setting = LivePool(file=args.pool, endpoint=args.endpoint, mode="live", concurrency=args.concurrency)
    names = [spec.name for spec in setting.specs()]
    models = [model for model in router.models_ if model in names]
    if not models:
        raise RecipeError(f"the pool {args.pool} has none of this router's models: {', '.join(router.models_)}")

    async def run() -> list[dict[str, Any]]:
        async with open_pool(setting, os.environ) as opened:
            return await answer_all(
                router, queries, opened.pool, cost_weight=weight, models=models, temperature=args.temp,
                max_tokens=args.max_tokens,
            )  # fmt: skip

    return asyncio.run(run())


def line_view(record: dict[str, Any]) -> str:
    from rl_router.observe.formats import usd

    asked = " ".join(record["query"].split())
    if "reply" not in record:
        return f"{record['model']}  {asked}"
    trouble = "" if record["status"] == "ok" else f" ({record['status']})"
    return f"{record['model']}{trouble}  {usd(record['cost_usd'])}  {asked}\n    {record['reply']}"
