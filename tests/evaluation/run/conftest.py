"""A run of a tiny policy as training leaves it, for whoever evaluates or asks one."""

import shutil

import pytest
import torch

from rl_router.episode.world_task import WorldTask
from rl_router.observe.run_folder import RunFolder
from rl_router.policy.config import TinyPolicy, WarmStart
from rl_router.policy.prepare import make_policy
from rl_router.rl.job import Evaluation, TrainJob, job_to_dict

torch.set_num_threads(1)

WEIGHTS = (0.0, 0.5, 2.0)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A run folder as training leaves it. Its policy is its warm start, so that both must come to the same."""
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    job = TrainJob(
        name="small",
        run_dir=folder.path,
        cost_weights=WEIGHTS,
        task=WorldTask(n_train=300, n_val=5, n_test=40),
        policy=TinyPolicy(hidden_size=32, heads=2, kv_heads=1, intermediate_size=64, vocab_size=600),
        warm_start=WarmStart(steps=60, demonstrations=500),
        evaluation=Evaluation(batch=16),
        blind_control=True,
    )
    task = job.task.build()
    for place, tell in ((folder.warm_start, True), (folder.path / "blind" / "policy", False)):
        make_policy(
            job.policy, job.warm_start, task=task, cost_weights=WEIGHTS, tell_cost_weight=tell, limits=job.limits,
            seed=0, folder=place,
        )  # fmt: skip
    shutil.copytree(folder.warm_start, folder.policy)
    folder.write_config(job_to_dict(job))
    return folder
