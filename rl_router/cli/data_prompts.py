"""`data prompts`: graded questions become an RL prompt set, each prompt with the pool that it may ask."""

from __future__ import annotations

import argparse
import json

from rl_router.cli.parts import Commands, add_step


def add(commands: Commands) -> None:
    prompts = add_step(
        commands,
        "prompts",
        prompts_command,
        "make an RL prompt set (verl parquet) of questions",
        example="seed=1 out=FOLDER",
    )
    prompts.add_argument("--json", action="store_true", help="what generation.yaml says, as JSON")


def prompts_command(args: argparse.Namespace) -> None:
    from rl_router.pipeline.rl_prompts import PromptsJob, build_prompts
    from rl_router.recipe import load_step

    job = load_step(PromptsJob, args.recipe, args.changes, folder="prompts")
    generation = build_prompts(job)
    if args.json:
        print(json.dumps(generation, ensure_ascii=False, indent=2))
        return
    for name, count in generation["questions"].items():
        left_out = ", ".join(f"{n:,} {what.replace('_', ' ')}" for what, n in count.items() if n and what != "kept")
        print(f"{name}: {count['kept']:,} questions ({left_out})")
    portions = ", ".join(f"{name} {n:,}" for name, n in generation["prompts"]["portions"].items())
    print(f"{generation['prompts']['total']:,} prompts ({portions}) in {job.out}; generation.yaml says what was drawn")
