"""Tool configurations are made of a pool, and those that ship are what the command makes."""

import shlex

import pytest
import yaml

from rl_router.cli import main
from rl_router.errors import PoolError
from rl_router.paths import tool_configs_dir
from rl_router.pipeline.tool_configs import tool_config

FILES = sorted(tool_configs_dir().glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_that_ships_is_what_the_command_in_its_head_writes(path, tmp_path, capsys):
    command = shlex.split(path.read_text().splitlines()[1].removeprefix("#"))
    made = tmp_path / path.name
    assert main([*command[1:-1], str(made)]) in (0, None)
    assert made.read_text().splitlines()[2:] == path.read_text().splitlines()[2:]
    assert "multi_turn.tool_config_path" in capsys.readouterr().out


def test_every_tool_has_what_verl_wants_of_it():
    for entry in tool_config("xrouter")["tools"]:
        assert set(entry) == {"class_name", "config", "tool_schema"}
        assert entry["config"]["type"] == "native"
        assert entry["tool_schema"]["function"]["parameters"]["required"]


def test_simple_mode_selects_nothing_and_models_are_chosen_by_name():
    made = tool_config("world", ["titan", "nano"], simple=True)["tools"]
    assert [entry["config"]["model"] for entry in made] == ["titan", "nano"]
    with pytest.raises(PoolError, match="has no model 'nono'"):
        tool_config("world", ["nono"])


def test_both_published_pools_ship_with_their_tools():
    assert {path.stem for path in FILES} >= {"router_r1", "xrouter"}
    assert len(yaml.safe_load((tool_configs_dir() / "xrouter.yaml").read_text())["tools"]) == 22  # 21 and the selection
