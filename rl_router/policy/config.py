"""How a policy is made and warm-started: plain values, importable without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_FORBID = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class TinyPolicy:
    """A Qwen2-shaped decoder of 0.1-1 M parameters with a tokenizer trained on the task's own training texts."""

    __pydantic_config__ = _FORBID
    kind: Literal["tiny"] = "tiny"
    hidden_size: int = 64
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    intermediate_size: int = 160
    vocab_size: int = 1000
    max_tokens: int = 512


@dataclass(frozen=True, kw_only=True)
class PretrainedPolicy:
    """A checkpoint from a local folder or a hub, with the tags added to its tokenizer when they are missing."""

    __pydantic_config__ = _FORBID
    kind: Literal["pretrained"] = "pretrained"
    path: str
    dtype: Literal["float32", "bfloat16"] = "bfloat16"


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """Supervised learning on scripted demonstrations: the grammar is right, the choice of model is uninformed.

    `decompose` is the share of two-hop demonstrations that split the question, `retry` how often "not sure" is followed
    by another model, `check` how often a sure reply is. `price_tilt` is the power of a model's price that its chance is
    proportional to at the smallest cost weight; it falls to minus that at the largest. It makes the dial readable when
    reinforcement learning starts, and is small enough that every model is tried at every setting.
    """

    __pydantic_config__ = _FORBID
    steps: int = 180
    batch_size: int = 32
    learning_rate: float = 4e-3
    muon_learning_rate: float = 0.03
    demonstrations: int = 6000
    decompose: float = 1.0
    price_tilt: float = 0.35
    retry: float = 0.85
    check: float = 0.06
    max_calls: int = 3
