"""`list`: what there is to name in the other commands."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rl_router.cli.parts import Commands, add_command

IN_RESULTS = {
    "policy": "the language model that was trained with RL, told the cost weight in its prompt",
    "warm_start": "the same policy before RL: its grammar is right, its choices are uninformed",
    "policy_blind": "a policy trained with the same budget that is never told the cost weight",
    "cheapest": "always the cheapest model of the pool",
    "strongest": "always the model that is right most often",
    "best_single": "always the one model that earned the most on training queries at each cost weight",
    "best_table_blind": "the best model or chain for each kind of query, one table for all cost weights",
    "best_table": "the best model or chain for each kind of query, one table for each cost weight",
}
"""Rows of a table of results that no recipe in recipes/routers fits."""
MULTI_ROUND = {
    "knn_multiround": (
        "a model splits the question, a router fitted on a table chooses whom to ask each part",
        ["decomposer", "chooser"],
    ),
    "llm_multiround": (
        "a model splits the question and says whom to ask each part, by what is said of the models",
        ["decomposer"],
    ),
}
"""Of recipes/multi_round: they ask models themselves, so they need a pool and the name of the model that splits."""


def add(commands: Commands) -> None:
    listing = add_command(commands, "list", list_command, "list what there is")
    listing.add_argument("what", choices=list(ROWS))
    form = listing.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="as a table for a page")


def list_command(args: argparse.Namespace) -> None:
    rows = ROWS[args.what]()
    if args.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if args.markdown:
        print(markdown(rows, COLUMNS.get(args.what, ("name", "description"))))
        return
    columns: list[str] = [
        key for key in ("name", "family", "trainable", "needs", "description") if rows and key in rows[0]
    ]
    lines = [columns] if len(columns) > 2 else []
    lines += [[shown(row[key]) for key in columns] for row in rows]
    widths = [max(len(line[j]) for line in lines) for j in range(len(columns) - 1)]
    for line in lines:
        print("  ".join([*(f"{cell:<{width}}" for cell, width in zip(line[:-1], widths, strict=True)), line[-1]]))


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or "scores" if isinstance(value, list) else str(value)


def markdown(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    lines = [columns, tuple("---" for _ in columns)]
    lines += [tuple(str(row[column]).replace("|", "\\|") for column in columns) for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def recipe_rows() -> list[dict[str, Any]]:
    from rl_router.paths import recipe_files

    return [
        {"name": name, "description": first_comment(path), "path": str(path)} for name, path in recipe_files().items()
    ]


def suite_rows() -> list[dict[str, Any]]:
    from rl_router.paths import recipes_dir

    return [
        {"name": path.stem, "description": first_comment(path), "path": str(path)}
        for path in sorted((recipes_dir() / "suites").glob("*.yaml"))
    ]


def router_rows() -> list[dict[str, Any]]:
    from rl_router.routers.registry import entries

    rows = [
        {
            "name": entry.name,
            "family": entry.family,
            "trainable": entry.trainable,
            "needs": list(entry.needs),
            "learners": list(entry.learners),
            "rules": list(entry.rules),
            "description": entry.description,
        }
        for entry in entries().values()
    ]
    for name, (text, needs) in MULTI_ROUND.items():
        more = {"trainable": False, "needs": needs, "learners": ["direct"], "rules": []}
        rows.append({"name": name, "family": "multi-round", **more, "description": text})
    for name, text in IN_RESULTS.items():
        family = "policy" if name in ("policy", "warm_start", "policy_blind") else "baseline"
        more = {"trainable": family == "policy", "needs": [], "learners": ["rl"] if family == "policy" else []}
        rows.append({"name": name, "family": family, **more, "rules": [], "description": text})
    return rows


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


def format_rows() -> list[dict[str, Any]]:
    from rl_router.data.importers import IMPORTERS

    return [{"name": name, "description": importer.description} for name, importer in IMPORTERS.items()]


def encoder_rows() -> list[dict[str, Any]]:
    from rl_router.encoders.registry import KINDS

    return [{"name": kind.usage, "description": kind.description} for kind in KINDS.values()]


def benchmark_rows() -> list[dict[str, Any]]:
    import sys

    from rl_router.data.benchmarks import BENCHMARKS
    from rl_router.data.custom import load_custom_tasks

    load_custom_tasks()
    rows = []
    for benchmark in map(BENCHMARKS.get, BENCHMARKS):
        module = sys.modules.get(benchmark.item.__module__)
        idea = (module.__doc__ or "").partition("\n")[0] if module and BENCHMARKS.is_ours(benchmark.name) else ""
        rows.append(
            {
                "name": benchmark.name,
                "description": idea or benchmark.title,
                "title": benchmark.title,
                "splits": ", ".join(benchmark.splits),
                "grader": benchmark.grader,
                "licence": benchmark.licence,
                "source": benchmark.source,
                "paper": benchmark.paper,
                "hub": benchmark.hub,
                "unchecked": benchmark.unchecked,
            }
        )
    return rows


def grader_rows() -> list[dict[str, Any]]:
    from rl_router.data.custom import load_custom_tasks
    from rl_router.data.graders import GRADERS

    load_custom_tasks()
    return [{"name": grader.name, "description": grader.description} for grader in map(GRADERS.get, GRADERS)]


def first_comment(path: Path) -> str:
    """A recipe says in its first line what it is for."""
    with path.open(encoding="utf-8") as lines:
        return next(lines, "").lstrip("# ").strip()


ROWS = {
    "recipes": recipe_rows,
    "routers": router_rows,
    "pools": pool_rows,
    "suites": suite_rows,
    "encoders": encoder_rows,
    "formats": format_rows,
    "benchmarks": benchmark_rows,
    "graders": grader_rows,
}
COLUMNS = {"benchmarks": ("name", "description", "splits", "grader", "licence", "hub", "paper")}
"""What a page shows of a list beside names and descriptions."""
