from dataclasses import replace

import polars as pl

from rl_router.rl.prompts import write_prompts


def test_the_prompt_list_is_the_same_for_a_seed_and_covers_every_step(job, tmp_path):
    job = replace(job, cost_weights=(0.0, 1.0))
    queries = job.task.build().train
    write_prompts(tmp_path / "a.parquet", queries, job)
    write_prompts(tmp_path / "b.parquet", queries, job)
    write_prompts(tmp_path / "c.parquet", queries, replace(job, seed=1))
    a, b, c = (pl.read_parquet(tmp_path / f"{name}.parquet") for name in "abc")
    assert a.equals(b) and not a.equals(c)
    assert len(a) >= job.algorithm.steps * job.algorithm.prompts_per_step
    drawn = {row["cost_weight"] for row in a["extra_info"]}
    assert drawn == {0.0, 1.0}
    assert {row["query_id"] for row in a["extra_info"]} <= {q.query_id for q in queries}
