"""A policy folder: a Hugging Face model (JSON + safetensors), its tokenizer, and `policy.json`: its purpose.

Written beside its name and renamed when whole, so a folder that exists is complete. Loading runs no code: weights are
safetensors, everything else JSON.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from rl_router.errors import CheckpointError
from rl_router.policy.tokenizer import load_tokenizer
from rl_router.types import Mode

CARD = "policy.json"


@dataclass(frozen=True, kw_only=True)
class PolicyCard:
    """`cost_weights` are the values the policy was trained for, empty when it was never told one."""

    cost_weights: tuple[float, ...]
    mode: str
    task: str

    def __post_init__(self) -> None:
        weights_hold = all(isinstance(w, int | float) and 0 <= w < math.inf for w in self.cost_weights)
        if not (weights_hold and self.mode in set(Mode) and isinstance(self.task, str)):
            raise ValueError(f"{CARD} needs cost_weights of zero or more, a mode of {', '.join(Mode)}, and a task")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`model` is None where an engine has the weights."""

    model: Any
    tokenizer: Any
    card: PolicyCard


def save_policy(policy: Policy, path: Path) -> None:
    transformers_logging.disable_progress_bar()
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    policy.model.save_pretrained(partial, safe_serialization=True)
    policy.tokenizer.save_pretrained(partial)
    (partial / CARD).write_text(json.dumps(asdict(policy.card), indent=2) + "\n")
    shutil.rmtree(path, ignore_errors=True)
    os.replace(partial, path)


def load_policy(path: Path, *, with_weights: bool = True) -> Policy:
    """Raises CheckpointError, in one sentence, for a folder that is missing, truncated or of another shape."""
    if not (path / CARD).is_file():
        raise CheckpointError(f"expected a policy folder with {CARD} at {path}, but there is none; train the run first")
    try:
        card = _read_card(path / CARD)
    except Exception as error:  # unreadable, no JSON, or of another shape
        raise _unreadable(path, error) from error
    if not with_weights:
        return Policy(model=None, tokenizer=load_tokenizer(path), card=card)
    model = load_model(path)
    tokenizer = load_tokenizer(path)
    last, rows = _last_token(tokenizer), model.get_input_embeddings().num_embeddings
    if last >= rows:
        raise CheckpointError(
            f"the tokenizer in {path} goes up to token {last} and its model has {rows}; they are not of one policy:"
            " copy it again"
        )
    return Policy(model=model.eval(), tokenizer=tokenizer, card=card)


def _last_token(tokenizer: Any) -> int:
    """The unknown token aside: transformers may add one that no text is made of."""
    return max(i for token, i in tokenizer.get_vocab().items() if token != tokenizer.unk_token)


def _read_card(path: Path) -> PolicyCard:
    values = json.loads(path.read_text())
    names = {f.name for f in fields(PolicyCard)}
    if not isinstance(values, dict) or set(values) != names or not isinstance(values["cost_weights"], list):
        raise ValueError(f"{CARD} needs exactly {', '.join(sorted(names))}, and cost_weights as a list")
    return PolicyCard(**(values | {"cost_weights": tuple(values["cost_weights"])}))


def load_model(path: Path) -> Any:
    """The weights alone, as one of verl's checkpoints has them too. Raises CheckpointError in one sentence."""
    try:
        return _read_model(path)
    except Exception as error:  # safetensors, json and transformers each raise their own
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return CheckpointError(f"the policy in {path} cannot be read ({reason}); it may be cut off: copy it again")


def _read_model(path: Path) -> Any:
    transformers_logging.disable_progress_bar()  # two dozen tensors are read at once: its bar says nothing
    model, found = AutoModelForCausalLM.from_pretrained(
        path,
        dtype=torch.float32,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    missing = sorted(found["missing_keys"])
    if missing:  # transformers would fill them with random numbers
        raise ValueError(f"{len(missing)} tensors are missing, {missing[0]} among them")
    return model
