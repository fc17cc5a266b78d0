"""A trained policy as a Hugging Face folder: weights, tokenizer, what it was trained for, and a card to read."""

from __future__ import annotations

import shutil
from pathlib import Path

from rl_router.errors import CheckpointError, RecipeError
from rl_router.observe.files import write_text
from rl_router.observe.run_folder import RunFolder
from rl_router.policy.folder import CARD, Policy, PolicyCard, load_policy, save_policy
from rl_router.rl.checkpoints import load_checkpoint
from rl_router.rl.job import TrainJob, read_job


def export_policy(run: Path, target: Path, *, step: int | None = None) -> Path:
    """Write the finished policy of `run` to `target`, or with `step` that of one of verl's checkpoints.

    CheckpointError where there is none; RecipeError where `target` holds something else than an exported policy.
    """
    folder = RunFolder.open(run)
    if target.exists() and not (target / CARD).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise RecipeError(f"{target} is there and holds no policy: name a folder that is empty or not there yet")
    policy = load_policy(folder.policy) if step is None else _of_checkpoint(folder, step)
    target.parent.mkdir(parents=True, exist_ok=True)
    save_policy(policy, target)
    write_text(target / "README.md", model_card(read_job(folder.config), policy.card))
    if folder.results.is_file():
        shutil.copyfile(folder.results, target / folder.results.name)
    return target


def _of_checkpoint(folder: RunFolder, step: int) -> Policy:
    weights = folder.checkpoints / f"global_step_{step}" / "actor" / "huggingface"
    if not weights.is_dir():
        there = sorted(int(p.name.removeprefix("global_step_")) for p in folder.checkpoints.glob("global_step_*"))
        raise CheckpointError(
            f"{folder.path} has no checkpoint of step {step}; there are {', '.join(map(str, there)) or 'none'}"
        )
    start = load_policy(folder.warm_start)
    return Policy(model=load_checkpoint(weights.parents[1]), tokenizer=start.tokenizer, card=start.card)


def model_card(job: TrainJob, card: PolicyCard) -> str:
    """What a reader needs to use the policy: how to load it, what it is told, and what it was trained with."""
    told = ", ".join(f"{w:g}" for w in card.cost_weights) or "none"
    return f"""---
library_name: transformers
tags: [llm-router, rl-router]
---

# {job.name}

A policy that routes queries to language models, trained with rl-router: task `{card.task}`, mode `{card.mode}`,
dialect `{job.dialect.kind}`, reward `{job.reward.kind}`, algorithm `{job.algorithm.kind}`, {job.algorithm.steps} steps,
seed {job.seed}. Settings of its dial: {told}.

    from transformers import AutoModelForCausalLM, AutoTokenizer
    model, tokenizer = AutoModelForCausalLM.from_pretrained(PATH), AutoTokenizer.from_pretrained(PATH)

A turn holds at most {job.limits.max_turn_tokens} tokens, an episode {job.limits.max_turns} turns. `policy.json` says
what it was trained for, `results.json`, where there is one, what it came to on held-out questions.
"""
