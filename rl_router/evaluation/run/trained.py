"""A trained policy as a router to evaluate: its folder, the setting it acts in, and whether it is told the cost weight.

Torch is imported when a policy is loaded, not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rl_router.episode.dialect import Dialect
from rl_router.episode.task import Task
from rl_router.errors import CheckpointError
from rl_router.rl.job import TrainJob
from rl_router.rl.setting import Setting
from rl_router.types import Episode, Query


@dataclass(frozen=True, kw_only=True)
class TrainedRouter:
    """Greedy episodes of one policy. `setting` shows it the cost weight if it was trained with one."""

    name: str
    policy: Any
    codec: Dialect
    setting: Setting

    @staticmethod
    def load(name: str, folder: Path, setting: Setting, *, with_weights: bool = True) -> TrainedRouter:
        """CheckpointError, in one sentence, when the folder is missing, cut off or trained for another task.

        Without its weights, which somebody else has then, a policy cannot `play`.
        """
        import torch

        from rl_router.policy.folder import load_policy

        policy = load_policy(folder, with_weights=with_weights)
        _check_same_task(folder, policy.card, setting.task)
        job = replace(setting.job, tell_cost_weight=bool(policy.card.cost_weights))
        if with_weights and job.cluster.device == "cuda" and torch.cuda.is_available():
            policy.model.to("cuda")
        setting = replace(setting, job=job)
        return TrainedRouter(name=name, policy=policy, codec=setting.codec(policy.tokenizer), setting=setting)

    @property
    def job(self) -> TrainJob:
        return self.setting.job

    @property
    def is_told(self) -> bool:
        """False for a blind policy: its episodes are the same at every cost weight, only their reward differs."""
        return self.job.tell_cost_weight

    def nearest_weight(self, cost_weight: float) -> float:
        """The trained cost weight nearest to this one, the smaller of two as near. A blind policy takes any."""
        known = sorted(self.policy.card.cost_weights)
        return min(known, key=lambda w: abs(w - cost_weight)) if known else cost_weight

    def play(self, queries: Sequence[Query], cost_weight: float) -> list[Episode]:
        """One greedy episode per query, in order."""
        from rl_router.policy.play import play

        environments = [self.setting.environment(self.codec, query, cost_weight) for query in queries]
        return play(self.policy, environments, max_batch=self.job.evaluation.batch)


def _check_same_task(folder: Path, card: Any, task: Task) -> None:
    if (card.task, card.mode) != (task.name, task.mode.value):
        raise CheckpointError(
            f"the policy in {folder} was trained for {card.task} in {card.mode} mode, but this run asks for {task.name}"
            f" in {task.mode.value} mode: train one for it"
        )
