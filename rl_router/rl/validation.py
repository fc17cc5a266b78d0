"""Which checkpoint is best: the training objective on validation questions, answered greedily at every cost weight.

The launcher judges each checkpoint when it is whole, beside the trainer, and keeps the weights of the best one so far:
verl keeps only its newest. Means over all cost weights decide, so that no end of the dial is given up for another.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from rl_router.episode.replay_task import sample
from rl_router.observe.files import read_json, write_text
from rl_router.rl.checkpoints import load_checkpoint
from rl_router.rl.job import TrainJob
from rl_router.rl.setting import Setting


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One checkpoint. `by_weight` maps a cost weight to (reward, quality, cost in USD), means over the questions."""

    step: int
    by_weight: dict[float, tuple[float, float, float]]

    @property
    def reward(self) -> float:
        return fmean(reward for reward, _, _ in self.by_weight.values())

    def metrics(self) -> dict[str, float]:
        named = {"validation/reward": self.reward}
        for weight, (reward, quality, cost_usd) in self.by_weight.items():
            named |= {
                f"validation/reward/at_{weight:g}": reward,
                f"validation/quality/at_{weight:g}": quality,
                f"validation/cost_usd/at_{weight:g}": cost_usd,
            }
        return named


class BestCheckpoint:
    """The best policy so far, in `best/` of the run folder: weights, tokenizer and card, with its step and reward.

    `since` is the step that training goes on from: a best one that comes after it is about to be made again.
    """

    SCORE = "validation.json"

    def __init__(self, run: Path, job: TrainJob, setting: Setting, since: int = 0):
        self.folder, self.warm_start, self.checkpoints = run / "best", run / "warm_start", run / "checkpoints"
        self.job, self.setting = job, setting
        self.queries = sample(setting.task.val, job.validation.queries) if job.validation.queries else ()
        self.best = self._read(since)

    def due(self, step: int) -> bool:
        return bool(self.queries) and (step % self.job.checkpoint_every == 0 or step == self.job.algorithm.steps)

    def judge(self, step: int) -> dict[str, float]:
        """Metrics of the checkpoint of `step`, whose policy is kept when none before was better."""
        from rl_router.policy.folder import Policy, load_policy, save_policy

        start = load_policy(self.warm_start)
        model = load_checkpoint(self.checkpoints / f"global_step_{step}")
        policy = Policy(model=model.eval(), tokenizer=start.tokenizer, card=start.card)
        judged = Judged(step=step, by_weight=self._play(policy))
        if self.best is None or judged.reward > self.best[1]:
            save_policy(policy, self.folder)
            score = {"step": step, "reward": judged.reward, "queries": len(self.queries)}
            write_text(self.folder / self.SCORE, json.dumps(score, indent=2) + "\n")
            self.best = (step, judged.reward)
        return judged.metrics()

    def _play(self, policy: Any) -> dict[float, tuple[float, float, float]]:
        from rl_router.policy.play import play

        codec, found = self.setting.codec(policy.tokenizer), {}
        judge = replace(self.setting, job=replace(self.job, reward=replace(self.job.reward)))  # a window of its own
        for weight in self.job.cost_weights:
            environments = [judge.environment(codec, query, weight) for query in self.queries]
            episodes = play(policy, environments, max_batch=self.job.evaluation.batch)
            scored = [e for e in episodes if e.total_reward is not None]
            found[weight] = (
                fmean(e.total_reward or 0.0 for e in scored) if scored else 0.0,
                fmean(e.quality or 0.0 for e in scored) if scored else 0.0,
                fmean(e.cost_usd for e in episodes),
            )
        return found

    def _read(self, since: int) -> tuple[int, float] | None:
        path = self.folder / self.SCORE
        if not path.is_file():
            return None
        score = read_json(path)
        if score["step"] > since:
            shutil.rmtree(self.folder)
            return None
        return int(score["step"]), float(score["reward"])
