"""`serve`: a gateway over routers and a pool, from a recipe or straight from a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rl_router.cli.parts import CHANGES, Commands, add_command
from rl_router.errors import RecipeError

if TYPE_CHECKING:
    from rl_router.serving.job import ServeJob


def add(commands: Commands) -> None:
    text = "serve routers and a pool behind an OpenAI-compatible API"
    serve = add_command(commands, "serve", serve_command, text)
    serve.add_argument("recipe", metavar="RECIPE_OR_RUN", help="a recipe of recipes/serve, a file, or a run")
    serve.add_argument("changes", help="change a key of the recipe; a run needs at least pool=POOL", **CHANGES)


def serve_command(args: argparse.Namespace) -> None:
    job = serve_job(args.recipe, args.changes)
    try:
        from rl_router.serving.server import serve
    except ImportError as error:
        raise RecipeError(f"serving needs {error.name}: pip install 'rl-router[serve]'") from None
    serve(job)


def serve_job(name: str, changes: list[str]) -> ServeJob:
    """A folder is the run of one router; anything else is a recipe."""
    from rl_router.recipe import load_step, step_job
    from rl_router.serving.job import ServeJob

    run = Path(name)
    if not run.is_dir():
        return load_step(ServeJob, name, changes, folder="serve")
    return step_job(ServeJob, {"routers": {run.name: str(run)}}, changes, where=f"run {run.name}")
