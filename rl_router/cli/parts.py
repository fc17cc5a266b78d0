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


class AnyOrder(argparse.ArgumentParser):
    """Takes options before, between and behind positional arguments: argparse alone ends a list of key=value at the
    first option, and then knows neither what follows nor how to say so."""

    _intermixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]
        if self._intermixing or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._intermixing = True  # the intermixed parse is made of two parses of this kind
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixing = False


def add_command(
    commands: Commands, name: str, command: Callable[[argparse.Namespace], None], text: str
) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    added.set_defaults(command=command)
    return added


def add_step(
    commands: Commands, name: str, command: Callable[[argparse.Namespace], None], text: str, *, example: str
) -> argparse.ArgumentParser:
    """A step of the data pipeline: a recipe of `recipes/NAME`, and changes to its keys."""
    added = add_command(commands, name, command, text)
    added.add_argument("recipe", metavar="RECIPE", help=f"a name from recipes/{name}, or a .yaml file")
    added.add_argument("changes", help=f"change a key of the recipe, such as {example}", **CHANGES)
    return added
