"""The README's commands, files and folders exist as it says."""

import re
import shlex
from pathlib import Path

import pytest

from rl_router.cli import parser
from rl_router.recipe import load_job

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def commands():
    """Lines of code blocks, fenced or indented, continued ones joined, comments cut."""
    joined = README.replace("\\\n", " ")
    lines = [line.removeprefix("$ ").strip() for line in joined.splitlines()]
    return [line for line in lines if re.match(r"(rl-router|bash|python|\S*/rl-router) ", line)]


COMMANDS = [shlex.split(line, comments=True) for line in commands()]


def test_the_two_first_commands_are_named():
    assert ["bash", "scripts/quickstart.sh"] in COMMANDS
    assert ["bash", "scripts/test.sh"] in COMMANDS


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] in ("bash", "python") and len(c) > 1], ids=" ".join)
def test_every_script_that_is_named_exists(command):
    script = next((word for word in command[1:] if not word.startswith("-")), "")
    assert command[1].startswith("-") or (ROOT / script).is_file()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0].endswith("rl-router")], ids=" ".join)
def test_every_rl_router_command_is_understood(command):
    arguments = parser().parse_args(command[1:])
    assert callable(arguments.command)
    if command[1] == "train":
        assert load_job(arguments.recipe, arguments.changes).name


def test_every_file_that_is_linked_exists():
    links = re.findall(r"\]\(([^)#\s]+)", README) + re.findall(r'src="([^"]+)"', README)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
