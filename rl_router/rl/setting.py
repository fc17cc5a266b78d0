"""What every process of a run builds from its config.json: task, reward, dialect and the questions by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from rl_router.episode.dialect import Dialect
from rl_router.episode.environment import Environment, opening_of
from rl_router.episode.rewards import GroupAnchored
from rl_router.episode.task import Task
from rl_router.rl.job import TrainJob, read_job
from rl_router.types import Episode, Query


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

    def codec(self, tokenizer: Any) -> Dialect:
        """The run's dialect over a policy's tokenizer; CheckpointError where the two do not go together."""
        return self.job.dialect.over(tokenizer)

    def settle(self, group: Sequence[Episode]) -> list[Episode]:
        """Episodes of one prompt with the terms that only the whole group decides, if the reward has any."""
        if not isinstance(self.job.reward, GroupAnchored):
            return list(group)
        terms = self.job.reward.group_terms(group, self.task.cost_reference_usd)
        return [replace(episode, reward=t) for episode, t in zip(group, terms, strict=True)]

    def environment(
        self,
        codec: Dialect,
        query: Query,
        cost_weight: float,
        models: Sequence[str] | None = None,
    ) -> Environment:
        """The policy's own tokens cost what the recipe says. `models`: the episode's own pool."""
        return Environment(
            task=self.task,
            codec=codec,
            reward=self.job.reward,
            limits=self.job.limits,
            query=query,
            cost_weight=cost_weight,
            show_cost_weight=self.job.tell_cost_weight,
            router_spec=self.job.policy.router_spec,
            overlong=getattr(self.job.algorithm, "overlong", None),
            pool=self.task.pool.select(models) if models else None,
        )

    def cuts_question(self, codec: Dialect, query: Query) -> bool:
        """Whether a prompt has no room for the end of the question at one of the run's cost weights."""
        job, task = self.job, self.task
        shown = job.cost_weights if job.tell_cost_weight else (None,)
        openings = (opening_of(task.pool, task.mode, job.limits, query, weight, reward=job.reward) for weight in shown)
        return any(codec.cuts(opening, job.limits.max_prompt_tokens) for opening in openings)


@lru_cache(maxsize=2)
def setting_of(config_json: str) -> Setting:
    """Built once per process: agent loops are made per episode, the task is not."""
    return Setting.of(read_job(Path(config_json)))


@lru_cache(maxsize=2)
def codec_of(config_json: str, tokenizer: Any) -> Dialect:
    return setting_of(config_json).codec(tokenizer)
