"""A policy folder: a Hugging Face model (JSON + safetensors), its tokenizer, and `policy.json` with what it was trained for.

Written beside its name and renamed when whole, so a folder that exists is complete. Loading runs no code: weights are
safetensors, everything else JSON.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from rl_router.errors import CheckpointError
from rl_router.policy.tokenizer import load_tokenizer

CARD = "policy.json"


@dataclass(frozen=True, kw_only=True)
class PolicyCard:
    """`cost_weights` are the values the policy was trained for, empty when it was never told one."""

    cost_weights: tuple[float, ...]
    mode: str
    task: str


@dataclass(frozen=True, kw_only=True)
class Policy:
    model: Any
    tokenizer: Any
    card: PolicyCard


def save_policy(policy: Policy, path: Path) -> None:
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    policy.model.save_pretrained(partial, safe_serialization=True)
    policy.tokenizer.save_pretrained(partial)
    (partial / CARD).write_text(json.dumps(asdict(policy.card), indent=2) + "\n")
    shutil.rmtree(path, ignore_errors=True)
    os.replace(partial, path)


def load_policy(path: Path) -> Policy:
    """Raises CheckpointError, in one sentence, for a folder that is missing, truncated or of another shape."""
    if not (path / CARD).is_file():
        raise CheckpointError(f"expected a policy folder with {CARD} at {path}, but there is none; train the run first")
    try:
        card = json.loads((path / CARD).read_text())
        card = PolicyCard(cost_weights=tuple(card["cost_weights"]), mode=card["mode"], task=card["task"])
        model = AutoModelForCausalLM.from_pretrained(
            path, dtype=torch.float32, use_safetensors=True, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # safetensors, json and transformers each raise their own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(f"the policy in {path} cannot be read ({reason}); it may be cut off: copy it again") from error
    return Policy(model=model.eval(), tokenizer=load_tokenizer(path), card=card)
