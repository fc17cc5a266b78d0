"""The command of the three studies: results appended to a JSON-lines file as they come, so that a kill costs one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rl_router.data.table import RoutingTable
from rl_router.evaluation.online.stream import Change, Feedback, Stream
from rl_router.evaluation.online.study import announced, coverage, recovery, regret
from rl_router.observe.console import StepProgress
from rl_router.observe.files import append_lines, read_lines
from rl_router.routers.online import Online

WARM_UP = 600
"""Queries that the router is fitted on, none of which is in the stream."""
ALGORITHMS = ("lin_ucb", "thompson", "epsilon_greedy")
COST_WEIGHT = 0.1
"""Of the studies on recorded costs."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A router that learns while it serves, on recorded answers.")
    parser.add_argument("--regret", metavar="TABLE", type=Path, help="a table for the study of regret")
    parser.add_argument("--changes", metavar="TABLE", type=Path, help="a table with costs, for the study of changes")
    parser.add_argument("--estimates", metavar="TABLE", type=Path, help="a table for the study of estimates from logs")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=int, default=100, help="of the study of estimates")
    parser.add_argument("--out", type=Path, default=Path("runs/online.jsonl"))
    args = parser.parse_args(arguments)
    done = {row["job"] for row in read_lines(args.out)}
    for job, study in _jobs(args):
        if job not in done:
            append_lines(args.out, [{"job": job, **asdict(study())}])
    for row in read_lines(args.out):
        print(json.dumps(row))
    return 0


def _jobs(args: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """(name, what to run) of every study, in an order in which the telling ones come first."""
    if args.regret is not None:
        table = RoutingTable.read(args.regret)
        warm, rest = _split(table)
        for seed in args.seeds:
            stream = Stream.of(rest, args.requests, rng=np.random.default_rng(seed))
            fitted = Online().fit(warm).look_ahead(stream.queries)
            for feedback in (Feedback(), Feedback(share=0.3, delay=50)):
                for algorithm in ALGORITHMS:
                    router = fitted.copied(algorithm=algorithm)
                    name = f"regret {args.regret} {args.requests} {algorithm} {feedback.share} seed {seed}"
                    yield name, partial(regret, router, stream, feedback=feedback, seed=seed, progress=_Bars())
    if args.changes is not None:
        table = RoutingTable.read(args.changes)
        for seed in args.seeds:
            yield from _changes(table, args.requests, seed)
    if args.estimates is not None:
        warm, rest = _split(RoutingTable.read(args.estimates))
        name = f"estimates {args.estimates} {args.runs}"
        yield name, partial(coverage, rest, warm, runs=args.runs, logged=1_000, later=5_000, progress=_Bars())


def _changes(table: RoutingTable, requests: int, seed: int) -> Iterator[tuple[str, Any]]:
    warm, rest = _split(table)
    stream, at = Stream.of(rest, requests, rng=np.random.default_rng(seed)), requests // 2
    router = Online().fit(warm).look_ahead(stream.queries)
    chosen = [decision.model for decision in router.route(stream.queries[:1000], cost_weight=COST_WEIGHT)]
    favourite = max(sorted(set(chosen)), key=chosen.count)
    run = partial(recovery, cost_weight=COST_WEIGHT, seed=seed, progress=_Bars())
    for change in (
        Change(kind="degrades", model=favourite, at=at, factor=0.5),
        Change(kind="dearer", model=favourite, at=at, factor=2.0),
        Change(kind="dearer", model=favourite, at=at, factor=10.0),
    ):
        yield f"{change} {requests} seed {seed}", partial(run, router, stream, change)
    others = tuple(model for model in table.models if model != favourite)
    change = Change(kind="arrives", model=favourite, at=at)
    known = Online().fit(warm.select(models=others))
    announcement = announced(warm, favourite)
    yield f"{change} {requests} seed {seed}", partial(run, known, stream, change, newcomer=announcement)


def _split(table: RoutingTable) -> tuple[RoutingTable, RoutingTable]:
    """(to fit on, to serve): every so many queries are for the first."""
    ids = sorted(table.query_ids)
    warm = set(np.array(ids)[np.linspace(0, len(ids) - 1, WARM_UP).astype(int)].tolist())
    chosen = table.frame["query_id"].is_in(list(warm))
    return table.part(table.frame.filter(chosen)), table.part(table.frame.filter(~chosen))


class _Bars:
    """A bar per label; a study calls it after every step."""

    def __init__(self) -> None:
        self._bar: StepProgress | None = None

    def __call__(self, label: str, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = StepProgress(label, total).__enter__()
        self._bar.update(done, {})
        if done == total:
            self._bar.__exit__(None, None, None)
            self._bar = None
