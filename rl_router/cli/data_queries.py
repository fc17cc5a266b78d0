"""`data queries`: from benchmarks to a queries file, which `data collect` asks a pool."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rl_router.cli.parts import Commands, add_step


def add(commands: Commands) -> None:
    text = "draw questions from benchmarks, check each against its own answer, and write a queries file"
    queries = add_step(commands, "queries", queries_command, text, example="benchmarks.gsm8k.test=100 or out=FILE")
    queries.add_argument("--json", action="store_true", help="what was drawn, as JSON")


def queries_command(args: argparse.Namespace) -> None:
    from rl_router.observe.files import read_json
    from rl_router.pipeline.queries import QueriesJob, build_queries
    from rl_router.recipe import load_step

    job = load_step(QueriesJob, args.recipe, args.changes, folder="queries")
    queries = build_queries(job)
    splits = read_json(job.manifest)["splits"]
    if args.json:
        print(json.dumps(splits, ensure_ascii=False, indent=2))
        return
    for row in splits:
        print(described(row))
    print(f"{len(queries)} questions in {job.out}; what was left out and why is in {job.manifest}")


def described(row: dict[str, Any]) -> str:
    """`gsm8k test: 100 of 1319 rows, 2 refused by their own grader`."""
    text = f"{row['benchmark']} {row['split']}: {row['questions']} of {row['rows']} rows"
    if row["repeats_of_held_out"]:
        text += f", {row['repeats_of_held_out']} left out as held-out questions"
    if row["refused"]:
        text += f", {len(row['refused'])} refused by their own grader"
    return text
