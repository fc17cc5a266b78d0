"""`chat`: a page in the browser to talk to a gateway, one that runs or one of its own."""

from __future__ import annotations

import argparse
import os

from rl_router.cli.parts import CHANGES, Commands, add_command
from rl_router.errors import RecipeError


def add(commands: Commands) -> None:
    text = "talk to a gateway in the browser: who answered, why, and what it cost"
    chat = add_command(commands, "chat", chat_command, text)
    chat.add_argument("recipe", metavar="RECIPE_OR_RUN", nargs="?", help="a gateway of its own, as for serve")
    chat.add_argument("changes", help="change a key of the recipe; a run needs at least pool=POOL", **CHANGES)
    chat.add_argument("--gateway", metavar="URL", help="a gateway that runs; its key comes from RL_ROUTER_API_KEY")
    chat.add_argument("--host", default="127.0.0.1", help="where the page listens (default: %(default)s)")
    chat.add_argument("--port", type=int, default=7860, help="(default: %(default)s)")
    chat.add_argument("--share", action="store_true", help="also at a public address, through Gradio's servers")
    chat.add_argument("--encoder", default="hashing", help="what finds similar questions (default: %(default)s)")
    chat.add_argument("--similar", type=int, default=3, metavar="K", help="how many of them (default: %(default)s)")


def chat_command(args: argparse.Namespace) -> None:
    if (args.recipe is None) == (args.gateway is None):
        raise RecipeError("chat needs a recipe or run to serve, or --gateway URL, and not both")
    if args.similar < 0:
        raise RecipeError(f"expected --similar to be zero or more, got {args.similar}")
    if not 0 < args.port < 65536:
        raise RecipeError(f"expected --port between 1 and 65535, got {args.port}")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported
    try:
        from rl_router.serving.chat.launch import KEY, chat
    except ImportError as error:
        raise RecipeError(f"chat needs {error.name}: pip install 'rl-router[chat]'") from None
    settings = {
        "api_key": os.environ.get(KEY), "host": args.host, "port": args.port, "share": args.share,
        "encoder": args.encoder, "similar": args.similar,
    }  # fmt: skip
    if args.gateway is not None:
        chat(args.gateway, **settings)
        return
    from dataclasses import replace

    from rl_router.cli.serve import serve_job
    from rl_router.serving.background import gateway_in_background

    job = replace(serve_job(args.recipe, args.changes), host="127.0.0.1", port=0)
    with gateway_in_background(job, os.environ) as running:
        chat(running.url, **settings)
