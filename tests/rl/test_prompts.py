from dataclasses import replace

import polars as pl
import pytest

from rl_router.episode.dialects import Tools
from rl_router.episode.prompt_set import Prompt
from rl_router.errors import RecipeError
from rl_router.rl.prompts import write_prompts
from rl_router.rl.setting import check_prompts


def test_the_prompt_list_is_the_same_for_a_seed_and_covers_every_step(job, tmp_path):
    job = replace(job, cost_weights=(0.0, 1.0))
    task = job.task.build()
    write_prompts(tmp_path / "a.parquet", task, job)
    write_prompts(tmp_path / "b.parquet", task, job)
    write_prompts(tmp_path / "c.parquet", task, replace(job, seed=1))
    a, b, c = (pl.read_parquet(tmp_path / f"{name}.parquet") for name in "abc")
    assert a.equals(b) and not a.equals(c)
    assert len(a) >= job.algorithm.steps * job.algorithm.prompts_per_step
    drawn = {row["cost_weight"] for row in a["extra_info"]}
    assert drawn == {0.0, 1.0}
    assert {row["query_id"] for row in a["extra_info"]} <= {q.query_id for q in task.train}


def test_a_prompt_set_is_asked_in_its_order_with_its_weights_and_pools(job, tmp_path):
    task = job.task.build()
    cheap = task.pool.names[:2]
    prompts = (
        Prompt(query=task.train[0], cost_weight=1.0, models=cheap),
        Prompt(query=task.train[1], cost_weight=0.0),
    )
    job = replace(job, cost_weights=(0.0, 0.5, 1.0))
    write_prompts(tmp_path / "set.parquet", replace(task, prompts=prompts), job)
    rows = pl.read_parquet(tmp_path / "set.parquet")["extra_info"].to_list()
    assert len(rows) == 3 * job.algorithm.steps * job.algorithm.prompts_per_step
    first, second = rows[:2]
    assert (first["query_id"], first["cost_weight"], first["models"]) == (task.train[0].query_id, 1.0, list(cheap))
    assert (second["query_id"], second["cost_weight"], second["models"]) == (task.train[1].query_id, 0.0, [])
    pairs = [{row["query_id"] for row in rows[i : i + 2]} for i in range(0, len(rows), 2)]
    assert all(len(pair) == 2 for pair in pairs)  # every pass over the set asks each of its prompts once


def test_a_policy_is_told_every_weight_and_pool_that_it_is_trained_with(job):
    task = job.task.build()
    prompts = (Prompt(query=task.train[0], cost_weight=1.0, models=task.pool.names[:2]),)
    with pytest.raises(
        RecipeError, match=r"drawn with the cost weights 1, and the run has 0.5; set cost_weights=\[1\]"
    ):
        check_prompts(replace(task, prompts=prompts), job)
    job = replace(job, cost_weights=(1.0,))
    with pytest.raises(RecipeError, match="the compact dialect does not tell a policy which models"):
        check_prompts(replace(task, prompts=prompts), job)
    check_prompts(replace(task, prompts=prompts), replace(job, dialect=Tools()))
    check_prompts(replace(task, prompts=(replace(prompts[0], models=()),)), job)
