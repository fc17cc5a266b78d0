"""The commands. What is heavy is imported by the command that needs it, so that `--help` answers at once.

An error that a user can cause is one sentence on standard error and an exit code. RL_ROUTER_TRACEBACK=1 shows where
it came from.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rl_router import __version__
from rl_router.errors import RecipeError, RouterError

ROUTERS = {
    "policy": "the language model that was trained with RL, told the cost weight in its prompt",
    "warm_start": "the same policy before RL: its grammar is right, its choices are uninformed",
    "policy_blind": "a policy trained with the same budget that is never told the cost weight",
    "cheapest": "always the cheapest model of the pool",
    "strongest": "always the model that is right most often",
    "random": "any model of the pool, each as likely",
    "best_single": "always the one model that earned the most on training queries at each cost weight",
    "best_table_blind": "the best model or chain for each kind of query, one table for all cost weights",
    "best_table": "the best model or chain for each kind of query, one table for each cost weight",
    "oracle": "sees every reply before it chooses; no router can do better",
}


def main(arguments: Sequence[str] | None = None) -> int:
    args = parser().parse_args(arguments)
    try:
        args.command(args)
    except RouterError as error:
        if os.environ.get("RL_ROUTER_TRACEBACK") == "1":
            raise
        print(f"rl-router: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("rl-router: interrupted", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="rl-router", description="Train, evaluate and serve LLM routers.")
    root.add_argument("--version", action="version", version=f"rl-router {__version__}")
    commands = root.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, command: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        added.set_defaults(command=command)
        return added

    changes: dict[str, Any] = {"metavar": "key=value", "nargs": "*", "default": []}

    train = add("train", train_command, "train the router of a recipe, evaluate it and write its report")
    train.add_argument("recipe", metavar="RECIPE", help="a name from `rl-router list recipes`, or a .yaml file")
    train.add_argument("changes", help="change a key (seed=1) or choose a part (algorithm=grpo)", **changes)

    evaluate = add("evaluate", evaluate_command, "evaluate a run again, beside every baseline")
    evaluate.add_argument("run", metavar="RUN", type=Path, help="a run folder, such as runs/quickstart")
    evaluate.add_argument("changes", help="change a key of the run, such as evaluation.queries=100", **changes)

    route = add("route", route_command, "let a trained router answer one query, and show every call and its cost")
    route.add_argument("run", metavar="RUN", type=Path, help="a run folder, such as runs/quickstart")
    route.add_argument("query", metavar="QUERY")
    route.add_argument("--cost-weight", type=float, default=0.5, metavar="W", help="0: only quality (default: 0.5)")
    route.add_argument("--json", action="store_true", help="the whole episode as JSON")

    report = add("report", report_command, "write a run's report.html anew")
    report.add_argument("run", metavar="RUN", type=Path, help="a run folder, such as runs/quickstart")

    listing = add("list", list_command, "list what there is")
    listing.add_argument("what", choices=["recipes", "routers", "pools"])
    listing.add_argument("--json", action="store_true", help="as JSON")
    return root


def train_command(args: argparse.Namespace) -> None:
    from rl_router.recipe import load_job

    job = load_job(args.recipe, args.changes)
    from rl_router.rl.setting import Setting

    setting = Setting.of(job)  # refuses bad data before anything is written
    from rl_router.evaluation.harness import evaluate_run
    from rl_router.rl.launch import train

    end_on_signals()
    train(job, setting)
    evaluate_run(job.run_dir, {})
    show_results(job.run_dir)


def end_on_signals() -> None:
    """`kill`, a closed terminal and a batch system's time limit become an exit, which ends the trainer too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # what nohup ignores stays ignored
            signal.signal(number, lambda number, frame: sys.exit(128 + number))


def evaluate_command(args: argparse.Namespace) -> None:
    from rl_router.observe.run_folder import RunFolder
    from rl_router.recipe import read_changes

    folder = RunFolder.open(args.run)
    changes = read_changes(folder.config, args.changes)
    from rl_router.evaluation.harness import evaluate_run

    evaluate_run(folder.path, changes)
    show_results(folder.path)


def show_results(run: Path) -> None:
    """The table, then the name of the report that shows it all."""
    from rl_router.evaluation.results import print_table, read_results
    from rl_router.observe.run_folder import RunFolder

    folder = RunFolder.open(run)
    print_table(read_results(folder.results))
    write_report(folder)


def report_command(args: argparse.Namespace) -> None:
    from rl_router.observe.run_folder import RunFolder

    write_report(RunFolder.open(args.run))


def write_report(folder: Any) -> None:
    from rl_router.observe.report import write_report

    write_report(folder)
    print(f"Report: {folder.report}")


def route_command(args: argparse.Namespace) -> None:
    if not 0 <= args.cost_weight < math.inf:
        raise RecipeError(f"expected a --cost-weight of zero or more, got {args.cost_weight:g}")
    if not args.query.strip():
        raise RecipeError("expected a query, got an empty text")
    from rl_router.observe.rollouts import episode_record
    from rl_router.observe.run_folder import RunFolder

    folder = RunFolder.open(args.run)
    from rl_router.evaluation.harness import route_query

    record = episode_record(route_query(folder.path, args.query, args.cost_weight))
    print(json.dumps(record, ensure_ascii=False, indent=2) if args.json else episode_view(record))


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


def list_command(args: argparse.Namespace) -> None:
    rows = {"recipes": recipe_rows, "routers": router_rows, "pools": pool_rows}[args.what]()
    if args.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['description']}")


def recipe_rows() -> list[dict[str, Any]]:
    from rl_router.paths import recipes_dir

    return [
        {"name": path.stem, "description": first_comment(path), "path": str(path)}
        for path in sorted(recipes_dir().glob("*.yaml"))
    ]


def router_rows() -> list[dict[str, Any]]:
    return [{"name": name, "description": text} for name, text in ROUTERS.items()]


def pool_rows() -> list[dict[str, Any]]:
    from rl_router.paths import pools_dir
    from rl_router.pool.spec import load_specs

    rows = []
    for path in sorted(pools_dir().glob("*.yaml")):
        models = [
            {
                "name": spec.name,
                "tier": spec.tier,
                "input_usd_per_mtok": spec.input_usd_per_mtok,
                "output_usd_per_mtok": spec.output_usd_per_mtok,
            }
            for spec in load_specs(path)
        ]
        names = ", ".join(str(model["name"]) for model in models)
        rows.append({"name": path.stem, "description": names, "path": str(path), "models": models})
    return rows


def first_comment(path: Path) -> str:
    """A recipe says in its first line what it is for."""
    with path.open(encoding="utf-8") as lines:
        return next(lines, "").lstrip("# ").strip()


if __name__ == "__main__":
    sys.exit(main())
