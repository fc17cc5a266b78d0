import json
import subprocess

import pytest

from rl_router.errors import CheckpointError
from rl_router.observe.run_folder import RunFolder
from rl_router.observe.versions import collect_versions, git_state


def test_a_folder_creates_nothing_until_something_is_written(tmp_path):
    folder = RunFolder(tmp_path / "run")
    assert folder.read_metrics() == folder.read_episodes() == folder.read_rows(folder.results) == []
    assert not folder.path.exists()


def test_the_config_is_written_without_its_secrets(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.write_config({"seed": 3, "pool": {"api_key": "hunter2"}})
    assert json.loads(folder.config.read_text()) == {"seed": 3, "pool": {"api_key": "***"}}


def test_opening_a_folder_that_is_no_run_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="expected a run folder"):
        RunFolder.open(tmp_path)
    RunFolder(tmp_path).write_config({})
    assert RunFolder.open(tmp_path) == RunFolder(tmp_path)


def test_rewinding_drops_later_steps_and_keeps_rows_without_a_step(tmp_path):
    folder = RunFolder(tmp_path)
    for step in (1, 2, 3):
        folder.append_metrics({"step": step})
        folder.append_episodes([{"step": step}])
    folder.append_episodes([{"question": "asked by hand"}])
    folder.rewind(2)
    assert folder.read_metrics() == [{"step": 1}, {"step": 2}]
    assert folder.read_episodes() == [{"step": 1}, {"step": 2}, {"question": "asked by hand"}]


def test_rows_of_another_shape_are_an_error(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_results([{"router": "policy"}])
    assert folder.read_rows(folder.results) == [{"router": "policy"}]
    folder.results.write_text("[]")
    with pytest.raises(CheckpointError, match="expected"):
        folder.read_rows(folder.results)


def test_versions_name_python_and_the_installed_packages_only(tmp_path):
    versions = collect_versions(tmp_path)
    assert versions["python"].startswith("3.")
    assert "rich" in versions["packages"] and all(versions["packages"].values())
    assert versions["git"] is None


def test_the_git_state_has_the_commit_and_notices_a_changed_file(tmp_path):
    def git(*arguments):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / "a.py").write_text("1")
    git("add", "a.py")
    git("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "commit", "-m", "one")
    state = git_state(tmp_path)
    assert state is not None and len(state["commit"]) == 40 and state["dirty"] is False
    (tmp_path / "a.py").write_text("2")
    assert git_state(tmp_path)["dirty"] is True


def test_a_copy_that_git_does_not_track_borrows_no_commit(tmp_path):
    subprocess.run(["git", "-C", str(tmp_path), "init"], check=True, capture_output=True)
    installed = tmp_path / ".venv" / "rl_router"
    installed.mkdir(parents=True)
    assert git_state(installed) is None
