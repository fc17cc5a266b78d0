"""TRL's GRPOTrainer on a job of ours: the same policy folder, prompts, groups, limits and rewards.

Run by benchmark_step.py; the only file that imports TRL. Everything that our trainer leaves out is switched off here
too, and so is everything else that would slow TRL down: no gradient checkpointing, no logging, no saving, no KL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

import polars as pl
import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from rl_router.episode.tokens import TokenCodec
from rl_router.policy.folder import load_policy
from rl_router.rl.job import TrainJob, read_job
from rl_router.rl.setting import Setting
from rl_router.types import Episode


class EpisodeReward:
    """What our agent loop does with a sampled turn: the environment parses it, calls the pool and grades the answer."""

    __name__ = "episode"

    def __init__(self, setting: Setting, codec: TokenCodec):
        self.setting, self.codec = setting, codec
        self.tokens = 0
        self.rewards: list[float] = []

    def __call__(
        self, *, completion_ids: list[list[int]], query_id: list[str], cost_weight: list[float], **_: Any
    ) -> list[float]:
        episodes = asyncio.run(self._play(completion_ids, query_id, cost_weight))
        self.tokens = sum(len(ids) for ids in completion_ids)
        self.rewards = [float(e.total_reward or 0.0) for e in episodes]
        return self.rewards

    async def _play(self, turns: list[list[int]], query_ids: list[str], cost_weights: list[float]) -> list[Episode]:
        rows = zip(turns, query_ids, cost_weights, strict=True)
        return list(await asyncio.gather(*(self._episode(*row) for row in rows)))

    async def _episode(self, turn: list[int], query_id: str, cost_weight: float) -> Episode:
        environment = self.setting.environment(self.codec, self.setting.queries[query_id], cost_weight)
        await environment.step(turn)
        return environment.episode


class StepLog(TrainerCallback):
    """One line per generated batch, which is a step of ours and may be several optimiser steps."""

    def __init__(self, path: Path, updates_per_step: int, reward: EpisodeReward):
        self.path, self.updates_per_step, self.reward = path, updates_per_step, reward
        self.last_s = time.perf_counter()

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.last_s = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step % self.updates_per_step:
            return
        now_s = time.perf_counter()
        row = {
            "step": state.global_step // self.updates_per_step,
            "timing_s/step": now_s - self.last_s,
            "tokens/sampled": self.reward.tokens,
            "reward/mean": sum(self.reward.rewards) / len(self.reward.rewards),
        }
        self.last_s = now_s
        with open(self.path, "a") as file:
            file.write(json.dumps(row) + "\n")


def grpo_config(job: TrainJob, output: Path) -> GRPOConfig:
    a = job.algorithm
    return GRPOConfig(
        output_dir=str(output),
        max_steps=a.steps * a.updates_per_step,
        per_device_train_batch_size=a.prompts_per_step * a.group_size // a.updates_per_step,
        steps_per_generation=a.updates_per_step,
        num_generations=a.group_size,
        max_completion_length=min(job.limits.max_turn_tokens, job.limits.max_response_tokens),
        temperature=a.temperature,
        loss_type="grpo",
        scale_rewards="group" if a.normalise_by_std else "none",
        epsilon=a.clip,
        beta=0.0,
        learning_rate=a.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=a.warmup_steps,
        adam_beta2=0.95,
        max_grad_norm=a.max_grad_norm,
        gradient_checkpointing=False,
        shuffle_dataset=False,
        use_cpu=True,
        bf16=False,
        dataloader_pin_memory=False,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=job.seed,
    )


def prompt_rows(prompts: Path, setting: Setting, codec: TokenCodec) -> list[dict[str, Any]]:
    """Our prompts as text, in our order. RuntimeError if TRL would tokenise one of them differently."""
    rows = []
    for row in pl.read_parquet(prompts)["extra_info"].to_list():
        query, cost_weight = setting.queries[row["query_id"]], float(row["cost_weight"])
        ids = setting.environment(codec, query, cost_weight).prompt_ids
        text = codec.decode(ids)
        if codec.tokenizer(text=[text])["input_ids"] != [ids]:
            raise RuntimeError(f"expected the same tokens for both trainers, but TRL reads {text!r} differently")
        rows.append({"prompt": text, "query_id": query.query_id, "cost_weight": cost_weight})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("job", "policy", "prompts", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    job = read_job(options.job)
    setting, policy = Setting.of(job), load_policy(options.policy)
    codec = TokenCodec(policy.tokenizer)
    policy.model.generation_config.eos_token_id = list(codec.stop_ids)  # TRL samples and masks up to these
    reward = EpisodeReward(setting, codec)
    trainer = GRPOTrainer(
        model=policy.model,
        processing_class=policy.tokenizer,
        reward_funcs=reward,
        args=grpo_config(job, options.metrics.parent),
        train_dataset=Dataset.from_list(prompt_rows(options.prompts, setting, codec)),
        callbacks=[StepLog(options.metrics, job.algorithm.updates_per_step, reward)],
    )
    trainer.train()


if __name__ == "__main__":
    main()
