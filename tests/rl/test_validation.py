"""The best checkpoint is found and kept, and a policy leaves its run as a folder that transformers reads by itself."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from rl_router.cli import main
from rl_router.errors import CheckpointError, RecipeError
from rl_router.observe.run_folder import RunFolder
from rl_router.policy.folder import Policy, load_policy, save_policy
from rl_router.rl.export import export_policy
from rl_router.rl.job import Validation
from rl_router.rl.launch import _begin, _finish, _warm_start
from rl_router.rl.setting import Setting
from rl_router.rl.validation import BestCheckpoint, Judged


@pytest.fixture(scope="module")
def run(tmp_path_factory, module_job):
    """A warm start as the checkpoint of step 1, and one of step 2 whose weights are noise."""
    job = module_job(tmp_path_factory.mktemp("run") / "run")
    folder, setting = RunFolder(job.run_dir), Setting.of(job)
    folder.path.mkdir()
    _begin(job, folder)
    _warm_start(job, folder, setting)
    for step in (1, 2):
        policy = load_policy(folder.warm_start)
        if step == 2:
            with torch.no_grad():
                for weight in policy.model.parameters():
                    weight.normal_(std=0.3)
        save_policy(policy, folder.checkpoints / f"global_step_{step}" / "actor" / "huggingface")
    return job, folder, setting


@pytest.mark.timeout(240)
def test_the_best_checkpoint_is_kept_and_becomes_the_finished_policy(run):
    job, folder, setting = run
    best = BestCheckpoint(folder.path, job, setting)
    assert best.due(1) and best.due(3)
    good, noise = best.judge(1), best.judge(2)
    assert noise["validation/reward"] == pytest.approx(-1.0)  # nothing of it is well formed
    assert good["validation/reward"] > noise["validation/reward"]
    assert good["validation/reward"] == good["validation/reward/at_0.5"]
    assert json.loads((folder.path / "best" / "validation.json").read_text())["step"] == 1
    _finish(job, folder)
    kept, start = (load_policy(path).model.state_dict() for path in (folder.policy, folder.warm_start))
    assert all(torch.equal(kept[name], start[name]) for name in start)

    assert BestCheckpoint(folder.path, job, setting, since=1).best[0] == 1  # a resumed run remembers it
    assert BestCheckpoint(folder.path, job, setting, since=0).best is None  # unless it is about to be made again
    assert not (folder.path / "best").exists()


def test_the_mean_over_all_cost_weights_decides():
    judged = Judged(step=3, by_weight={0.0: (0.9, 0.9, 1e-3), 2.0: (0.3, 0.5, 1e-4)})
    assert judged.reward == pytest.approx(0.6)
    assert judged.metrics()["validation/cost_usd/at_2"] == 1e-4


def test_a_run_without_validation_questions_judges_nothing(run):
    job, folder, setting = run
    assert not BestCheckpoint(folder.path, replace(job, validation=Validation(queries=0)), setting).due(1)


@pytest.mark.timeout(120)
def test_an_exported_policy_is_read_by_transformers_alone(run, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _, folder, _ = run
    shutil.rmtree(folder.policy, ignore_errors=True)
    save_policy(load_policy(folder.warm_start), folder.policy)
    assert main(["export", str(folder.path), str(tmp_path / "out" / "policy")]) == 0
    out = tmp_path / "out" / "policy"
    model, tokenizer = AutoModelForCausalLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    mine = load_policy(folder.policy)
    ids = tokenizer("<query> sort the list b a c</query>", return_tensors="pt").input_ids
    assert ids.tolist() == mine.tokenizer("<query> sort the list b a c</query>", return_tensors="pt").input_ids.tolist()
    with torch.no_grad():
        assert torch.equal(model(ids).logits, mine.model(ids).logits)
    assert "dialect `compact`, reward `dial`" in (out / "README.md").read_text()
    export_policy(folder.path, out)  # an earlier export is replaced


def test_an_export_names_the_checkpoints_that_there_are_and_overwrites_nothing_else(run, tmp_path):
    _, folder, _ = run
    with pytest.raises(CheckpointError, match="no checkpoint of step 7; there are 1, 2"):
        export_policy(folder.path, tmp_path / "out", step=7)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RecipeError, match="holds no policy"):
        export_policy(folder.path, tmp_path, step=1)
    noise = load_policy(export_policy(folder.path, tmp_path / "noise", step=2))
    assert isinstance(noise, Policy) and noise.card.task == "world"
