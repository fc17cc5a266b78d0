"""The prompt list of a run: which question is asked at which step and at which cost weight, as verl's parquet.

Each row is one group of episodes. Rows come from the task's prompt set, or are drawn here.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from rl_router.episode.prompt_set import Prompt
from rl_router.episode.task import Task
from rl_router.rl.job import TrainJob
from rl_router.rl.verl_config import AGENT


def write_prompts(path: Path, task: Task, job: TrainJob) -> None:
    """Enough rows for every step even if dynamic sampling draws three times as many; the same for the same seed."""
    n = 3 * job.algorithm.steps * job.algorithm.prompts_per_step
    groups = _given(task.prompts, n, job.seed) if task.prompts else _drawn(task, n, job)
    narrowed = any(prompt.models for prompt in groups)
    rows = []
    for index, prompt in enumerate(groups):
        query = prompt.query
        own: dict[str, object] = {"models": list(prompt.models)} if narrowed else {}
        rows.append(
            {
                "data_source": query.dataset or query.task,
                "agent_name": AGENT,
                "prompt": [{"role": "user", "content": query.text}],
                "ability": "routing",
                "reward_model": {"style": "rule", "ground_truth": query.answers[0] if query.answers else ""},
                "extra_info": {"index": index, "query_id": query.query_id, "cost_weight": prompt.cost_weight} | own,
            }
        )
    partial = path.with_name(f".{path.name}.partial")
    pl.DataFrame(rows).write_parquet(partial)
    os.replace(partial, path)


def _drawn(task: Task, n: int, job: TrainJob) -> list[Prompt]:
    """Any training question at any cost weight, uniformly, with the whole pool or one that is drawn for it."""
    rng = random.Random(job.seed)
    return [
        Prompt(
            query=rng.choice(task.train),
            cost_weight=rng.choice(job.cost_weights),
            models=tuple(job.pools.draw(task.pool.names, rng) or ()),
        )
        for _ in range(n)
    ]


def _given(prompts: Sequence[Prompt], n: int, seed: int) -> list[Prompt]:
    """A prompt set as often as it takes: in its own order first, shuffled anew each time after."""
    rng, order, groups = random.Random(seed), list(prompts), list(prompts)
    while len(groups) < n:
        rng.shuffle(order)
        groups += order
    return groups[:n]
