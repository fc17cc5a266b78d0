"""A table small enough to work out by hand: two tasks, a small and a large model, train and test alike.

       quality           cost_usd
       small   large     small    large
sum    1       1         0.001    0.010      three queries of each task and split;
proof  0       1         0.001    0.010      texts differ between the splits
"""

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.evaluation.suite.sources import replayed_arena
from rl_router.evaluation.suite.suite import Suite

QUALITY = {("sum", "small"): 1.0, ("sum", "large"): 1.0, ("proof", "small"): 0.0, ("proof", "large"): 1.0}
COST_USD = {"small": 0.001, "large": 0.010}


def rows_of(quality=QUALITY, per_task=3):
    return [
        {
            "dataset": "hand", "split": split, "query_id": f"{split}/{task}/{i}", "query": f"{split} {task} word{i}",
            "task": task, "ground_truth": "yes", "model": model, "score": quality[task, model],
            "cost_usd": COST_USD[model], "prompt_tokens": 10, "completion_tokens": 20 if model == "large" else 5,
            "response": "yes",
        }
        for split in ("train", "test")
        for task in ("sum", "proof")
        for i in range(per_task)
        for model in ("small", "large")
    ]  # fmt: skip


@pytest.fixture
def table_path(tmp_path):
    path = tmp_path / "table.parquet"
    RoutingTable(pl.DataFrame(rows_of())).write(path)
    return path


@pytest.fixture
def suite_of(table_path, tmp_path):
    def make(**changes):
        values = {"name": "hand", "run_dir": tmp_path / "run", "table": table_path, "cost_weights": (0.0, 0.5, 2.0)}
        return Suite(**(values | changes))

    return make


@pytest.fixture
def arena(suite_of, table_path):
    return replayed_arena(suite_of(), RoutingTable.read(table_path))


@pytest.fixture
def policy_run(tmp_path):
    """Makes run folders as training with RL leaves them: `policy_run(name, task)`, told the cost weights 0, 0.5 and 2.

    Their policy had its warm start only. Its own tokens cost $2 and $10 per million.
    """
    import torch

    from rl_router.observe.run_folder import RunFolder
    from rl_router.policy.config import TinyPolicy, WarmStart
    from rl_router.policy.prepare import make_policy
    from rl_router.rl.job import Evaluation, TrainJob, job_to_dict

    torch.set_num_threads(1)
    weights = (0.0, 0.5, 2.0)
    small = TinyPolicy(
        hidden_size=32, heads=2, kv_heads=1, intermediate_size=64, vocab_size=600, whole_names=True,
        input_usd_per_mtok=2.0, output_usd_per_mtok=10.0,
    )  # fmt: skip

    def make(name, task):
        folder = RunFolder(tmp_path / name)
        job = TrainJob(
            name=name, run_dir=folder.path, cost_weights=weights, task=task, policy=small,
            warm_start=WarmStart(steps=60, demonstrations=500), evaluation=Evaluation(batch=64),
        )  # fmt: skip
        make_policy(
            job.policy, job.warm_start, task=job.task.build(), cost_weights=weights, tell_cost_weight=True,
            limits=job.limits, seed=0, folder=folder.policy,
        )  # fmt: skip
        folder.write_config(job_to_dict(job))
        return folder

    return make


@pytest.fixture
def replay_run(tmp_path, table_path, policy_run):
    """A policy that decides between the table's two models."""
    from rl_router.episode.replay_task import ReplayTask

    pool = tmp_path / "pool.yaml"
    pool.write_text(
        "models: [{name: small, input_usd_per_mtok: 1, output_usd_per_mtok: 1},"
        " {name: large, input_usd_per_mtok: 9, output_usd_per_mtok: 9}]"
    )
    return policy_run("mine", ReplayTask(table=str(table_path), pool=str(pool), splits=("train", "test", "test")))
