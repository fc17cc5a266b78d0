"""The prompt list of a run: which question is asked at which step and at which cost weight, as verl's parquet."""

from __future__ import annotations

import os
import random
from pathlib import Path

import polars as pl

from rl_router.rl.job import TrainJob
from rl_router.rl.verl_config import AGENT
from rl_router.types import Query


def write_prompts(path: Path, queries: tuple[Query, ...], job: TrainJob) -> None:
    """Enough rows for every step even if dynamic sampling draws three times as many; the same for the same seed.

    Each row is one group: one question at one cost weight, drawn uniformly.
    """
    rng = random.Random(job.seed)
    n = 3 * job.algorithm.steps * job.algorithm.prompts_per_step
    rows = []
    for index in range(n):
        query, weight = rng.choice(queries), rng.choice(job.cost_weights)
        rows.append(
            {
                "data_source": query.dataset or query.task,
                "agent_name": AGENT,
                "prompt": [{"role": "user", "content": query.text}],
                "ability": "routing",
                "reward_model": {"style": "rule", "ground_truth": query.answers[0] if query.answers else ""},
                "extra_info": {"index": index, "query_id": query.query_id, "cost_weight": weight},
            }
        )
    partial = path.with_name(f".{path.name}.partial")
    pl.DataFrame(rows).write_parquet(partial)
    os.replace(partial, path)
