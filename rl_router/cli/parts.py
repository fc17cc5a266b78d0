"""What every command is made of: a name, a function of its arguments and a sentence of help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the type is private to argparse
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands = Any

CHANGES: dict[str, Any] = {"metavar": "key=value", "nargs": "*", "default": []}
"""The arguments that change keys of a recipe or a run."""


def add_command(
    commands: Commands, name: str, command: Callable[[argparse.Namespace], None], text: str
) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    added.set_defaults(command=command)
    return added
