import json
from dataclasses import replace

import pytest

from rl_router.errors import CheckpointError, RunError
from rl_router.observe.run_folder import RunFolder
from rl_router.rl.job import job_to_dict
from rl_router.rl.launch import _alone, _begin, train
from rl_router.rl.presets import Grpo


def test_a_folder_that_holds_another_run_is_refused_and_stays_as_it_is(job):
    folder = RunFolder(job.run_dir)
    _begin(job, folder)
    before = folder.config.read_text()
    with pytest.raises(CheckpointError, match="another algorithm"):
        _begin(replace(job, algorithm=Grpo()), folder)
    assert folder.config.read_text() == before


def test_starting_over_removes_what_a_run_wrote_and_nothing_else(job):
    folder = RunFolder(job.run_dir)
    _begin(job, folder)
    folder.metrics.write_text('{"step": 1}\n')
    (folder.path / "notes.txt").write_text("mine")
    _begin(replace(job, resume="never", seed=5), folder)
    assert not folder.metrics.exists()
    assert (folder.path / "notes.txt").read_text() == "mine"
    assert json.loads(folder.config.read_text())["seed"] == 5


def test_starting_over_in_a_folder_whose_config_is_not_a_runs_is_refused(job):
    folder = RunFolder(job.run_dir)
    folder.path.mkdir()
    folder.config.write_text('{"name": "something else"}')
    (folder.path / "policy").mkdir()
    with pytest.raises(CheckpointError, match="config.json of a run"):
        _begin(replace(job, resume="never"), folder)
    assert (folder.path / "policy").is_dir()


def test_two_trainings_cannot_share_a_folder(job):
    job.run_dir.mkdir()
    with _alone(job.run_dir), pytest.raises(RunError, match="another process is training"):
        train(job)


def test_a_job_goes_to_json_and_comes_back_the_same(job):
    from rl_router.rl.job import job_from_dict

    assert job_from_dict(json.loads(json.dumps(job_to_dict(job)))) == job
