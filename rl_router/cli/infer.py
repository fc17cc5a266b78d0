"""`infer`: a file of queries through a trained router, and unless told otherwise through the models that it chooses."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_router.cli.parts import Commands, add_command
from rl_router.cli.routers import NAME
from rl_router.errors import RecipeError

if TYPE_CHECKING:
    from rl_router.pool.backend import Sampling
    from rl_router.pool.live_pool import LivePool
    from rl_router.pool.spec import ModelSpec
    from rl_router.routers.named import Named, Opened
    from rl_router.types import Decision, Episode, Query

POLICY_WEIGHT = 0.5
"""Of a policy that nobody told a cost weight."""


def add(commands: Commands) -> None:
    text = "route a file of queries, and ask the models that are chosen"
    infer = add_command(commands, "infer", infer_command, text)
    infer.add_argument("run", metavar="RUN", type=Path, help=NAME)
    infer.add_argument("--input", type=Path, required=True, metavar="FILE", help=".txt, .json or .jsonl of queries")
    infer.add_argument("--route-only", action="store_true", help="only decide; no model is called")
    pool = "the models to choose among: a name in recipes/pool or a YAML file (a policy's own pool by default)"
    infer.add_argument("--pool", metavar="POOL", help=pool)
    infer.add_argument("--endpoint", metavar="URL", help="an OpenAI-compatible endpoint for models that name none")
    infer.add_argument("--cache", type=Path, metavar="FILE", help="keep replies here; what is there is not asked again")
    weight = "0: only quality (default: 0.5 for a policy; a classical router's calibration, else 0)"
    infer.add_argument("--cost-weight", type=float, metavar="W", help=weight)
    infer.add_argument("--temp", type=float, metavar="T", help="temperature of the models (default: the provider's)")
    infer.add_argument("--max-tokens", type=int, metavar="N", help="most tokens of a reply")
    infer.add_argument("--concurrency", type=int, default=16, metavar="N", help="calls at once (default: 16)")
    infer.add_argument("--json", action="store_true", help="one JSON object per query")


def infer_command(args: argparse.Namespace) -> None:
    check(args)
    from rl_router.data.query_files import read_plain_queries
    from rl_router.routers.named import find_router

    queries, named = read_plain_queries(args.input), find_router(args.run)
    if named is not None:
        infer_with_router(args, named, queries)
        return
    from rl_router.data.modalities import modalities_of

    if any(map(modalities_of, queries)):
        raise RecipeError(f"{args.run} asks models in words of its own and reads text alone: leave out the images")
    from rl_router.episode.multi_round_run import is_multi_round
    from rl_router.observe.run_folder import RunFolder

    if is_multi_round(RunFolder.open(args.run)):  # in one sentence, before torch is loaded
        infer_with_rounds(args, queries)
    else:
        infer_with_policy(args, queries)


def check(args: argparse.Namespace) -> None:
    if args.max_tokens is not None and args.max_tokens < 1:
        raise RecipeError(f"expected --max-tokens of at least 1, got {args.max_tokens}")
    if args.temp is not None and not 0 <= args.temp <= 2:
        raise RecipeError(f"expected a --temp between 0 and 2, got {args.temp:g}")
    if args.concurrency < 1:
        raise RecipeError(f"expected --concurrency of at least 1, got {args.concurrency}")
    if args.cost_weight is not None and not 0 <= args.cost_weight < math.inf:
        raise RecipeError(f"expected a --cost-weight of zero or more, got {args.cost_weight:g}")


def infer_with_router(args: argparse.Namespace, named: Named, queries: list[Query]) -> None:
    """A classical router decides, and the models of the pool answer as their replies come in."""
    from rl_router.cli.routers import decision_record
    from rl_router.pool.spec import load_specs, pool_path
    from rl_router.routers.named import open_router

    if args.pool is None and not args.route_only:
        raise RecipeError("name the models to call with --pool, or only decide with --route-only")
    opened = open_router(named, args.cost_weight)
    specs = None if args.pool is None else load_specs(pool_path(args.pool))
    if specs is not None and not {spec.name for spec in specs} & set(opened.router.models_):
        known = ", ".join(opened.router.models_)
        raise RecipeError(f"the pool {args.pool} has none of this router's models: {known}")
    if args.route_only:
        for query, decision in zip(queries, decisions_on(queries, opened, specs), strict=True):
            show(args, decision_record(query, decision, opened.cost_weight, opened.why))
        return
    import asyncio
    import os

    from rl_router.pool.live_pool import open_pool
    from rl_router.routers.answering import answers

    live = live_pool(args)

    async def run() -> None:
        async with open_pool(live, os.environ) as pool:
            found = answers(
                opened.router, queries, pool.pool, cost_weight=opened.cost_weight, sampling=sampling(args),
                max_tokens=args.max_tokens,
            )  # fmt: skip
            async for episode in found:
                show(args, answer_record(episode))

    asyncio.run(run())


def decisions_on(queries: list[Query], opened: Opened, specs: Sequence[ModelSpec] | None) -> list[Decision]:
    """Among the models of the pool that take each query, or without a pool among all that the router knows."""
    from rl_router.data.modalities import modalities_of
    from rl_router.routers.answering import decided

    if specs is not None:
        return decided(opened.router, queries, specs, cost_weight=opened.cost_weight)
    if any(map(modalities_of, queries)):
        raise RecipeError("some queries hold more than text: name a --pool, whose file says which models take it")
    return opened.router.route(queries, cost_weight=opened.cost_weight)


def infer_with_policy(args: argparse.Namespace, queries: list[Query]) -> None:
    """A trained language model decides, and writes the answer where its run does."""
    import os

    from rl_router.evaluation.run.asking import answer_queries, decide_queries

    weight = POLICY_WEIGHT if args.cost_weight is None else args.cost_weight
    if args.route_only:
        for episode in decide_queries(args.run, queries, weight):
            show(args, first_call_record(episode))
        return
    live = None if args.pool is None else live_pool(args)
    if live is None and (args.temp is not None or args.max_tokens is not None):
        raise RecipeError("--temp and --max-tokens are for real models: name them with --pool")
    episodes = answer_queries(
        args.run, queries, weight, live=live, environment=os.environ, sampling=sampling(args),
        max_tokens=args.max_tokens,
    )  # fmt: skip
    for episode in episodes:
        show(args, answer_record(episode))


def infer_with_rounds(args: argparse.Namespace, queries: list[Query]) -> None:
    """A model splits each query, and models of the pool answer its parts."""
    import os

    from rl_router.episode.multi_round_run import read_multi_round, with_pool
    from rl_router.evaluation.run.multi_round import ask_multi_round

    if args.route_only:
        raise RecipeError("a multi-round router decides by asking a model to split the query: leave out --route-only")
    run, live = read_multi_round(args.run), None
    if args.pool is not None or run.job.backend == "http":
        args.pool, args.endpoint = args.pool or run.job.pool, args.endpoint or run.job.endpoint
        live = live_pool(args)
        run = with_pool(run, live)
    elif args.temp is not None:
        raise RecipeError("--temp is for real models: name them with --pool")
    episodes = ask_multi_round(
        run, queries, args.cost_weight, live=live, environment=os.environ, sampling=sampling(args),
        max_tokens=args.max_tokens,
    )  # fmt: skip
    for episode in episodes:
        show(args, answer_record(episode))


def live_pool(args: argparse.Namespace) -> LivePool:
    from rl_router.pool.live_pool import LivePool

    mode: Any = "live" if args.cache is None else "record"
    return LivePool(file=args.pool, endpoint=args.endpoint, mode=mode, cache=args.cache, concurrency=args.concurrency)


def sampling(args: argparse.Namespace) -> Sampling:
    from rl_router.pool.backend import Sampling

    return Sampling(temperature=args.temp)


def answer_record(episode: Episode) -> dict[str, Any]:
    """`model` is who was asked last, `asked` all of them in order; tokens and cost are of all calls together."""
    calls = episode.calls
    return {
        "query_id": episode.query.query_id,
        "query": episode.query.text,
        "model": calls[-1].model if calls else None,
        "asked": [call.model for call in calls],
        "cost_weight": episode.cost_weight,
        "status": calls[-1].reply.status.value if calls else "ok",
        "stop": episode.stop.value,
        "answer": episode.answer,
        "prompt_tokens": episode.usage.prompt_tokens,
        "completion_tokens": episode.usage.completion_tokens,
        "cost_usd": episode.cost_usd,
    }


def first_call_record(episode: Episode) -> dict[str, Any]:
    """Whom a policy asks first, and what; no model where it would answer by itself, or broke its grammar."""
    first = episode.calls[0] if episode.calls else None
    return {
        "query_id": episode.query.query_id,
        "query": episode.query.text,
        "model": None if first is None else first.model,
        "asks": None if first is None else first.query,
        "cost_weight": episode.cost_weight,
    }


def show(args: argparse.Namespace, record: dict[str, Any]) -> None:
    print(json.dumps(record, ensure_ascii=False) if args.json else line_view(record), flush=True)


def line_view(record: dict[str, Any]) -> str:
    from rl_router.observe.formats import usd

    asked, model = " ".join(record["query"].split()), record["model"] or "(no model)"
    if "answer" not in record:
        return f"{model}  {asked}"
    route = " → ".join(record["asked"]) or model
    trouble = "" if record["status"] == "ok" else f" ({record['status']})"
    answer = "(none)" if record["answer"] is None else record["answer"]
    return f"{route}{trouble}  {usd(record['cost_usd'])}  {asked}\n    {answer}"
