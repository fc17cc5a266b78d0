"""verl's replay buffer with a short poll and with group filtering that a custom sampler would otherwise not get.

The stock buffer asks every two seconds whether the rollouts are done, which is most of a small model's step.
"""

from __future__ import annotations

from typing import Any

from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer


class PromptReplayBuffer(ReplayBuffer):
    """`sampler_kwargs` takes `poll_interval_s`, `filter_groups_metric`, `train_batch_size`, `max_inflight_batches`."""

    def __init__(self, *, sampler_kwargs: Any, **kwargs: Any):
        metric = sampler_kwargs.get("filter_groups_metric")
        super().__init__(
            sampler_kwargs=sampler_kwargs,
            poll_interval=float(sampler_kwargs.get("poll_interval_s", 0.02)),
            filter_groups_metric=metric,
            train_batch_size=int(sampler_kwargs["train_batch_size"]),
            gen_batch_size=1 if metric else int(sampler_kwargs["train_batch_size"]),
            max_inflight_gen_batches=int(sampler_kwargs.get("max_inflight_batches", 1)),
            **kwargs,
        )
