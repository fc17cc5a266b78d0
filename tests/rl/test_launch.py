import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest

from rl_router.errors import CheckpointError, RecipeError, RunError
from rl_router.observe.run_folder import RunFolder
from rl_router.rl.blind_control import end_control
from rl_router.rl.job import job_to_dict
from rl_router.rl.launch import _alone, _begin, train
from rl_router.rl.presets import Grpo
from rl_router.rl.trainer_process import MARKER, _tail


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


def test_starting_over_that_was_killed_half_way_is_still_known_as_the_old_run(job, monkeypatch):
    folder = RunFolder(job.run_dir)
    _begin(job, folder)
    folder.warm_start.mkdir()

    def killed(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        _begin(replace(job, resume="never", seed=5), folder)
    with pytest.raises(CheckpointError, match="another seed"):
        _begin(replace(job, seed=5), folder)


def test_a_run_whose_config_is_cut_in_half_is_refused_in_one_sentence(job):
    folder = RunFolder(job.run_dir)
    _begin(job, folder)
    folder.config.write_text(folder.config.read_text()[:100])
    with pytest.raises(CheckpointError, match="config.json of a run"):
        _begin(job, folder)


def test_a_run_folder_that_cannot_be_made_is_refused(job, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecipeError, match="name another run_dir"):
        train(replace(job, run_dir=tmp_path / "file" / "run"))


def test_a_control_that_a_killed_run_left_behind_is_ended_with_its_trainer(tmp_path):
    run = tmp_path / "run"
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    marks = [run / "blind" / "launcher", run / "blind"]
    left = [subprocess.Popen(sleep, env={**os.environ, MARKER: str(mark)}) for mark in marks]
    beside = subprocess.Popen(sleep, env={**os.environ, MARKER: str(tmp_path / "other")})
    try:
        assert end_control(run) == 2
        assert not any(psutil.pid_exists(process.pid) for process in left)
        assert beside.poll() is None
    finally:
        for process in (*left, beside):
            process.kill()
            process.wait()


def test_the_last_words_are_those_of_this_attempt(tmp_path):
    log = tmp_path / "trainer.log"
    log.write_text("ValueError: of an earlier attempt\n")
    began = log.stat().st_size
    with log.open("a") as file:
        file.write(
            "$ python -m verl\n\x1b[36m(pid=7)\x1b[0m KeyError: 'now'\nUserWarning: no module (ModuleNotFoundError)\n"
        )
    assert _tail(log, began) == "(pid=7) KeyError: 'now'"


def test_a_job_that_would_be_masked_in_its_folder_is_refused_before_anything_is_written(job):
    folder = RunFolder(job.run_dir)
    with pytest.raises(RecipeError, match="task holds what looks like a secret"):
        _begin(replace(job, task=replace(job.task, pool="hf_" + "a" * 20)), folder)
    assert not folder.path.exists()
