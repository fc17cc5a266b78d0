"""The commands, one module each. What is heavy is imported by the command that needs it: `--help` answers at once.

An error that a user can cause is one sentence on standard error and an exit code. RL_ROUTER_TRACEBACK=1 shows where
it came from.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from rl_router import __version__
from rl_router.cli import (
    calibrate,
    chat,
    compare,
    data,
    evaluate,
    export,
    infer,
    key,
    listing,
    off_policy,
    recovery,
    reproduce,
    route,
    serve,
    train,
)
from rl_router.cli.parts import AnyOrder
from rl_router.errors import RouterError

COMMANDS = (
    train, evaluate, export, compare, route, infer, serve, chat, key, calibrate, off_policy, recovery, reproduce, data,
    listing,
)  # fmt: skip


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
    except BrokenPipeError:  # whoever read the output has seen enough, as in `rl-router … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def parser() -> argparse.ArgumentParser:
    root = AnyOrder(prog="rl-router", description="Train, evaluate and serve LLM routers.")
    root.add_argument("--version", action="version", version=f"rl-router {__version__}")
    commands = root.add_subparsers(metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add(commands)
    return root
