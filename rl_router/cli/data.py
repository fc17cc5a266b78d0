"""`data`: make, import and check routing tables and RL prompt sets. Each of its commands is a module of its own."""

from __future__ import annotations

from types import ModuleType

from rl_router.cli import (
    data_check,
    data_collect,
    data_export,
    data_import,
    data_models,
    data_prompts,
    data_queries,
    data_tools,
)
from rl_router.cli.parts import Commands

COMMANDS: tuple[ModuleType, ...] = (
    data_queries, data_models, data_collect, data_prompts, data_tools, data_import, data_check, data_export,
)  # fmt: skip


def add(commands: Commands) -> None:
    data = commands.add_parser("data", help="make, import and check routing tables and prompt sets")
    parts = data.add_subparsers(metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add(parts)
