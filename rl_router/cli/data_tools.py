"""`data tools`: the tools of a pool as verl's tool_config file."""

from __future__ import annotations

import argparse
from pathlib import Path

from rl_router.cli.parts import Commands, add_command


def add(commands: Commands) -> None:
    tools = add_command(commands, "tools", tools_command, "write verl's tool_config of a pool, for its own tool loop")
    tools.add_argument("pool", metavar="POOL", help="a name in recipes/pool, or a YAML file")
    tools.add_argument("--out", type=Path, required=True, metavar="FILE", help="the YAML file to write")
    tools.add_argument("--models", nargs="+", default=[], metavar="MODEL", help="these alone, in this order")
    tools.add_argument("--simple", action="store_true", help="without select_response: a call's reply is the answer")


def tools_command(args: argparse.Namespace) -> None:
    import shlex

    from rl_router.pipeline.tool_configs import tool_config, write_tool_config

    options = [*(["--models", *args.models] if args.models else []), *(["--simple"] if args.simple else [])]
    command = shlex.join(["rl-router", "data", "tools", args.pool, *options, "--out", str(args.out)])
    config = tool_config(args.pool, args.models, simple=args.simple)
    write_tool_config(args.out, config, command)
    print(f"{len(config['tools'])} tools; verl reads them with …rollout.multi_turn.tool_config_path={args.out}")
