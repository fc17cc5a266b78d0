"""verl's replay buffer with a short poll, and dynamic sampling (DAPO, arXiv 2503.14476, equation 11) in bounded rounds.

The stock buffer asks every two seconds whether the rollouts are done, which is most of a small model's step, and
replaces each group without spread by two, in as many small dispatches as there are free places. Here a round waits for
all of its groups and replaces what is missing at once. After `max_refills` rounds a batch is filled up with groups
without spread, which have no advantage and no effect: a step late in training must not sample for ever.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

from rl_router.rl.actor_watch import ActorWatch


class PromptReplayBuffer(ReplayBuffer):
    """`sampler_kwargs` takes `filter_groups_metric` (None: no filtering), `max_refills`, `dispatch_multiple` and
    `smallest_group`, the episodes without which a group teaches nothing."""

    def __init__(self, *, sampler_kwargs: Any, **kwargs: Any):
        super().__init__(
            sampler_kwargs=sampler_kwargs,
            poll_interval=0.02,
            filter_groups_metric=sampler_kwargs.get("filter_groups_metric"),
            **kwargs,
        )
        self.max_refills = int(sampler_kwargs.get("max_refills", 0))
        self.smallest_group = int(sampler_kwargs.get("smallest_group", 2))
        self.dispatch_multiple = int(sampler_kwargs.get("dispatch_multiple", 1))
        self._watch = ActorWatch()

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, Any]]:
        if partition_id == "val":
            return super().sample(global_steps, partition_id, batch_size)
        refills = 0
        while True:
            self._wait_for_groups(partition_id)
            done = self.finished_keys[partition_id] | self.failure_keys[partition_id]
            flat = self._dapo_filtered_keys(partition_id)[0] if self.filter_groups_metric else set()
            broken = {
                uid for uid, episodes in self._episodes(partition_id, done).items() if episodes < self.smallest_group
            }
            missing = batch_size - len(done - flat - broken)
            if missing <= 0 or refills >= self.max_refills:
                break
            refills += 1
            self.refill_fn(-(-missing // self.dispatch_multiple) * self.dispatch_multiple)
        chosen = (done - flat - broken) | set(sorted(flat - broken)[: max(0, missing)])
        if not chosen:
            raise RuntimeError(f"every episode of step {global_steps} failed or could not be scored; the log says why")
        uids, snapshot, _ = self._select_prompt_uids(partition_id, chosen, batch_size)
        self._clear_groups(partition_id, done - set(uids))
        counts = {"refills": refills, "flat": len(flat), "broken": len(broken), "sampled": len(done)}
        metrics = {f"groups/{name}": count for name, count in counts.items()}
        return self._materialize_batch(partition_id, uids, snapshot), metrics

    def _episodes(self, partition_id: str, uids: set[str]) -> dict[str, int]:
        """Episodes in each group: one alone has nothing to be compared with, and its reward is no advantage."""
        counts = Counter(key.split("_")[0] for key in self.partitions[partition_id])
        return {uid: counts[uid] for uid in uids}

    def _wait_for_groups(self, partition_id: str) -> None:
        while True:
            self._sync_metadata_from_transfer_queue()
            if not self.pending_keys[partition_id] and not self.running_keys[partition_id]:
                return
            self._watch.check()
            time.sleep(self.poll_interval)
