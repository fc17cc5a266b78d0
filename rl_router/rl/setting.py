"""What every process of a run builds from its config.json: task, reward, codec and the questions by id."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rl_router.episode.environment import Environment
from rl_router.episode.task import Task
from rl_router.episode.tokens import TokenCodec
from rl_router.pool.spec import ModelSpec
from rl_router.rl.job import TrainJob, read_job
from rl_router.types import Query


@dataclass(frozen=True, kw_only=True)
class Setting:
    job: TrainJob
    task: Task
    queries: dict[str, Query]

    @staticmethod
    def of(job: TrainJob) -> Setting:
        task = job.task.build()
        queries = {q.query_id: q for q in (*task.train, *task.val, *task.test)}
        return Setting(job=job, task=task, queries=queries)

    def environment(
        self, codec: TokenCodec, query: Query, cost_weight: float, router_spec: ModelSpec | None = None
    ) -> Environment:
        """`router_spec` prices the policy's own tokens; they are free without it."""
        return Environment(
            task=self.task,
            codec=codec,
            reward=self.job.reward,
            limits=self.job.limits,
            query=query,
            cost_weight=cost_weight,
            show_cost_weight=self.job.tell_cost_weight,
            router_spec=router_spec,
            overlong=getattr(self.job.algorithm, "overlong", None),
        )


@lru_cache(maxsize=2)
def setting_of(config_json: str) -> Setting:
    """Built once per process: agent loops are made per episode, the task is not."""
    return Setting.of(read_job(Path(config_json)))


@lru_cache(maxsize=2)
def codec_of(tokenizer: Any) -> TokenCodec:
    return TokenCodec(tokenizer)
