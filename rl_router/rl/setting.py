"""What every process of a run builds from its config.json: task, reward, dialect and the questions by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from rl_router.episode.dialect import Dialect, Opening
from rl_router.episode.environment import Environment, opening_of
from rl_router.episode.rewards import Budgeted, GroupAnchored
from rl_router.episode.task import Task
from rl_router.errors import RecipeError
from rl_router.pool.ledger import Ledger
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
        check_prompts(task, job)
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

    def pool_of(self, query: Query) -> list[str] | None:
        """The models that a question may ask where pools are drawn per sample; None: the task's whole pool."""
        return self.job.pools.draw(self.task.pool.names, Random(f"pool of {query.query_id}"))

    def environment(
        self,
        codec: Dialect,
        query: Query,
        cost_weight: float,
        models: Sequence[str] | None = None,
        *,
        ledger: Ledger | None = None,
    ) -> Environment:
        """The policy's own tokens cost what the recipe says. `models`: the episode's own pool. `ledger`: where its
        charges stand for others too.

        Without `models`, and where pools are drawn per sample, a question has one of its own, the same each time.
        """
        if models is None:
            models = self.pool_of(query)
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
            ledger=ledger,
        )

    def cuts_question(self, codec: Dialect, query: Query) -> bool:
        """Whether a prompt has no room for the end of the question at one of the run's cost weights."""
        job = self.job
        shown = job.cost_weights if job.tell_cost_weight else (None,)
        return any(codec.cuts(self.opening(query, weight), job.limits.max_prompt_tokens) for weight in shown)

    def opening(self, query: Query, shown: float | None) -> Opening:
        """What the prompt of a question may tell, at a setting of the dial that is shown or not."""
        task, names = self.task, self.pool_of(query)
        budgets = isinstance(self.job.reward, Budgeted)
        return opening_of(
            task.pool.select(names) if names else task.pool, task.mode, self.job.limits, query, shown, budgets=budgets
        )


def check_prompts(task: Task, job: TrainJob) -> None:
    """A RecipeError when the task's prompts have a cost weight or a pool that the policy would not be told of."""
    drawn = sorted({prompt.cost_weight for prompt in task.prompts})
    if not set(drawn) <= set(job.cost_weights):
        shown, known = (",".join(f"{weight:g}" for weight in weights) for weights in (drawn, job.cost_weights))
        raise RecipeError(
            f"task.prompts was drawn with the cost weights {shown}, and the run has {known}; set "
            f"cost_weights=[{shown}]."
        )
    whole = set(task.pool.names)
    if job.dialect.kind == "compact" and any(prompt.models and set(prompt.models) != whole for prompt in task.prompts):
        raise RecipeError(
            "task.prompts gives some prompts a pool of their own, and the compact dialect does not tell a policy which "
            "models it may ask; train in the dialect tags or tools, or make the set without pools."
        )


@lru_cache(maxsize=2)
def setting_of(config_json: str) -> Setting:
    """Built once per process: agent loops are made per episode, the task is not."""
    return Setting.of(read_job(Path(config_json)))


@lru_cache(maxsize=2)
def codec_of(config_json: str, tokenizer: Any) -> Dialect:
    return setting_of(config_json).codec(tokenizer)
