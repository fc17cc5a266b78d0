"""An RL algorithm is a preset: a frozen value whose defaults are its published setting, and a pure map to verl's keys.

GRPO: arXiv 2402.03300. DAPO (clip-higher, token mean, dynamic sampling, soft overlong): arXiv 2503.14476. PPO with a
critic and generalised advantages: arXiv 1707.06347, 1506.02438.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from rl_router.episode.rewards import Overlong
from rl_router.errors import RecipeError

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """What all presets share. One step samples `prompts_per_step` x `group_size` episodes and takes
    `updates_per_step` optimiser steps on them.
    """

    __pydantic_config__ = {"extra": "forbid"}

    steps: Annotated[int, Field(ge=0)] = 120
    """0: no learning. The run folder then holds the policy as it is, to be evaluated and served like a trained one."""
    prompts_per_step: Count = 20
    group_size: Count = 8
    updates_per_step: Count = 2
    learning_rate: Positive = 1.5e-3
    final_learning_rate_ratio: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    warmup_steps: Annotated[int, Field(ge=0)] = 5
    normalise_by_std: bool = True
    entropy_weight: NotNegative = 0.0
    kl_weight: NotNegative = 0.0
    """Weight of KL(policy || warm start), estimated per sampled token (Schulman's k3); it keeps exploration alive."""
    max_grad_norm: Positive = 1.0
    temperature: Positive = 1.0

    @property
    def smallest_group(self) -> int:
        """Episodes without which a group teaches nothing: an advantage within a group compares two."""
        return 2

    def __post_init__(self) -> None:
        if self.group_size < self.smallest_group:
            raise RecipeError(
                f"Expected algorithm.group_size of at least {self.smallest_group}, whose episodes are compared, got"
                f" {self.group_size}."
            )
        if self.prompts_per_step % self.updates_per_step:
            raise RecipeError(
                f"Expected algorithm.prompts_per_step in equal parts, got {self.prompts_per_step} for"
                f" {self.updates_per_step} updates_per_step."
            )


@dataclass(frozen=True, kw_only=True)
class Grpo(Algorithm):
    kind: Literal["grpo"] = "grpo"
    clip: Positive = 0.2


@dataclass(frozen=True, kw_only=True)
class Dapo(Algorithm):
    kind: Literal["dapo"] = "dapo"
    clip_low: Positive = 0.2
    clip_high: Positive = 0.28
    dynamic_sampling: bool = True
    max_refills: Annotated[int, Field(ge=0)] = 1
    """How often a step may replace its groups without spread before it trains on what it has."""
    overlong: Overlong | None = None


@dataclass(frozen=True, kw_only=True)
class Ppo(Algorithm):
    """A critic of the policy's own size says what each token was worth; groups are not compared, so one may be enough.

    `kl_in_reward` is taken off the reward for each token, times the log-ratio to the warm start; `kl_weight` is a loss.
    """

    kind: Literal["ppo"] = "ppo"
    group_size: Count = 1
    clip: Positive = 0.2
    critic_learning_rate: Positive = 1e-5
    critic_warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Steps in which the critic alone learns."""
    value_clip: Positive = 0.5
    discount: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    trace_decay: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """Lambda of the generalised advantage, no cost weight."""
    kl_in_reward: NotNegative = 0.0

    @property
    def smallest_group(self) -> int:
        return 1
