"""Stock verl on Ray, on CPU, in earnest: mechanics, resume after a kill, and reward that rises."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from statistics import fmean

import pytest

from rl_router.episode.world_task import WorldTask
from rl_router.observe.run_folder import RunFolder
from rl_router.policy.config import WarmStart
from rl_router.rl.job import job_to_dict
from rl_router.rl.launch import train
from rl_router.rl.presets import Dapo
from rl_router.rl.trainer_process import end_processes_of

pytest.importorskip("verl")


@pytest.mark.timeout(420)
def test_three_steps_keep_masks_prefix_ledger_and_weights_in_step(job, processes_of):
    folder = train(job)
    rows = folder.read_metrics()
    assert [row["step"] for row in rows] == [1, 2, 3]
    # The trainer recomputes each sampled token's probability from ids and mask. It can agree with the rollout only if
    # the prefix is exact, the mask marks the sampled tokens, and the engine has the weights of the step before.
    assert all(row["training/rollout_probs_diff_max"] < 1e-3 for row in rows)
    assert all(row["actor/grad_norm"] > 0 for row in rows)
    pool = job.task.build().pool
    for episode in folder.read_episodes():
        assert episode["cost_usd"] == pytest.approx(sum(call["cost_usd"] for call in episode["calls"]))
        for call in episode["calls"]:
            if call["status"] == "ok":
                price = pool.spec(call["model"])
                usd = call["prompt_tokens"] * price.input_usd_per_mtok
                usd += call["completion_tokens"] * price.output_usd_per_mtok
                assert call["cost_usd"] == pytest.approx(usd / 1e6)
        spans = episode["spans"]
        assert spans[0]["source"] == "prompt" and spans[1]["source"] == "policy"
        assert sum(span["characters"] for span in spans) == len(episode["transcript"])
    start, end = (path / "model.safetensors" for path in (folder.warm_start, folder.policy))
    assert start.read_bytes() != end.read_bytes()
    assert processes_of(folder.path) == []


@pytest.mark.timeout(600)
def test_a_run_killed_in_the_middle_resumes_without_gap_or_double_step(tmp_path, small_job, processes_of):
    job = small_job(tmp_path / "run", algorithm=Dapo(steps=8, prompts_per_step=4, group_size=4), checkpoint_every=2)
    config = tmp_path / "job.json"
    config.write_text(json.dumps(job_to_dict(job)))
    code = (
        "import sys; from pathlib import Path; from rl_router.rl.job import read_job; "
        "from rl_router.rl.launch import train; train(read_job(Path(sys.argv[1])))"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(config)], start_new_session=True)
    folder = RunFolder(job.run_dir)
    deadline = time.monotonic() + 240
    while not (folder.metrics.is_file() and len(folder.read_metrics()) >= 5):
        assert run.poll() is None and time.monotonic() < deadline, "the run did not reach step 5"
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    for process in processes_of(folder.path):
        process.kill()
    run.wait()
    end_processes_of(folder.path)
    assert not folder.policy.exists()

    train(job)
    rows = folder.read_metrics()
    assert [row["step"] for row in rows] == list(range(1, 9))
    assert (folder.policy / "model.safetensors").is_file()
    assert processes_of(folder.path) == []


@pytest.mark.timeout(600)
def test_reward_rises_on_a_reduced_world(tmp_path, small_job):
    # At a cost weight of zero the reward is whether the answer is right: what chance adds to a step is smallest there.
    job = small_job(
        tmp_path / "run",
        cost_weights=(0.0,),
        task=WorldTask(n_train=600, n_val=10, n_test=40, tasks=("units", "lists", "fact")),
        warm_start=WarmStart(steps=120, demonstrations=2000),
        algorithm=Dapo(steps=20, prompts_per_step=12, group_size=8, dynamic_sampling=False, warmup_steps=2),
        checkpoint_every=20,
    )
    rewards = [row["reward/mean"] for row in train(replace(job, seed=0)).read_metrics()]
    assert fmean(rewards[-4:]) >= fmean(rewards[:4]) + 0.08, rewards
