"""Every rl-router command in docs/ is understood, recipe and changes included, and every linked file exists."""

import re
import shlex
from pathlib import Path

import pytest

from rl_router.cli import parser
from rl_router.recipe import recipe_names

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def commands(page):
    """Indented or fenced lines that begin with rl-router, continued ones joined."""
    lines = page.read_text().replace("\\\n", " ").splitlines()
    found = [line.removeprefix("$ ").strip() for line in lines]
    return [shlex.split(line, comments=True) for line in found if re.match(r"rl-router \w", line)]


COMMANDS = [(page.name, command) for page in PAGES for command in commands(page)]


@pytest.mark.parametrize(
    ("page", "command"), COMMANDS, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_every_command_is_understood(page, command):
    arguments = parser().parse_args(command[1:])
    assert callable(arguments.command)
    if command[1] == "data" and "recipe" in arguments:
        assert arguments.recipe in recipe_names(command[2])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_linked_exists(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []
