"""How a policy is made and warm-started: plain values, importable without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from rl_router.errors import RecipeError
from rl_router.pool.spec import ModelSpec

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Price = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]

_FORBID = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class OwnTokens:
    """What the policy's own tokens cost, in USD per million: an episode pays for them beside its calls. 0 is free, as a
    policy on one's own machine may be; a prompt that the last turn read already costs the cached price."""

    input_usd_per_mtok: Price = 0.0
    cached_input_usd_per_mtok: Price | None = None
    output_usd_per_mtok: Price = 0.0

    @property
    def router_spec(self) -> ModelSpec | None:
        """For a ledger; None when the tokens are free."""
        if not (self.input_usd_per_mtok or self.output_usd_per_mtok):
            return None
        return ModelSpec(
            name="(router)",
            input_usd_per_mtok=self.input_usd_per_mtok,
            cached_input_usd_per_mtok=self.cached_input_usd_per_mtok,
            output_usd_per_mtok=self.output_usd_per_mtok,
        )


@dataclass(frozen=True, kw_only=True)
class TinyPolicy(OwnTokens):
    """A Qwen2-shaped decoder of 0.1-1 M parameters with a tokenizer trained on the task's own training texts."""

    __pydantic_config__ = _FORBID
    kind: Literal["tiny"] = "tiny"
    hidden_size: Count = 64
    layers: Count = 2
    heads: Count = 4
    kv_heads: Count = 2
    intermediate_size: Count = 160
    vocab_size: Count = 1000
    max_tokens: Count = 512
    whole_names: bool = False
    """Make each model's name one token. Long names that share a beginning are otherwise chosen piece by piece, and the
    likeliest first piece need not lead to the likeliest model."""
    dial_in_order: bool = False
    """Let the settings of the dial begin as points on a path instead of as unrelated vectors, so that what is learned
    at one moves its neighbours along: with many settings, few groups of a step belong to each."""

    def __post_init__(self) -> None:
        if self.hidden_size % self.heads or self.heads % self.kv_heads:
            raise RecipeError(
                "Expected policy.hidden_size to be a multiple of policy.heads, and that of policy.kv_heads, got"
                f" {self.hidden_size}, {self.heads} and {self.kv_heads}."
            )


@dataclass(frozen=True, kw_only=True)
class Lora:
    """Train low-rank additions to the weights (arXiv 2106.09685) instead of the weights themselves."""

    __pydantic_config__ = _FORBID
    rank: Count = 32
    alpha: Count = 64
    target_modules: str = "all-linear"


@dataclass(frozen=True, kw_only=True)
class PretrainedPolicy(OwnTokens):
    """A checkpoint from a local folder or a hub. The compact dialect adds its tags to the tokenizer; others nothing."""

    __pydantic_config__ = _FORBID
    kind: Literal["pretrained"] = "pretrained"
    path: str
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    lora: Lora | None = None


@dataclass(frozen=True, kw_only=True)
class UntrainedPolicy(OwnTokens):
    """Qwen2.5's or Llama's architecture, tokenizer rules and chat format around random weights: for dry runs, speed."""

    __pydantic_config__ = _FORBID
    kind: Literal["untrained"] = "untrained"
    family: Literal["qwen", "llama"] = "qwen"
    size: Literal["tiny", "0.5b", "3b"] = "tiny"
    vocab_size: Count = 1500
    """Of the tokenizer, which is trained on the run's texts; the embeddings of the larger sizes have their own."""
    max_tokens: Count = 32768


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """Supervised learning on scripted demonstrations: the grammar is right, the choice of model is uninformed.

    `source: multi_round` demonstrates what `llm_multiround`, with `decomposer` as the model that splits, asked for a
    right answer; its choices are informed by what the pool says of its models.
    `decompose` is the share of two-hop demonstrations that split the question, `retry` how often "not sure" is followed
    by another model, `check` how often a sure reply is. `fail` is the share of calls that get no reply, after which the
    same question is asked again: for pools that may fail. `price_tilt` is the power of a model's price that its chance
    is proportional to at the smallest cost weight; it falls to minus that at the largest. It makes the dial readable
    when reinforcement learning starts, and is small enough that every model is tried at every setting. `skill_tilt`
    leans to models whose description states more skill at the question's kind: e to this power more for a skill of 1
    than of 0. It teaches where to read, for pools that the prompt describes; nothing is known of skill that is not
    written there.
    """

    __pydantic_config__ = _FORBID
    source: Literal["scripted", "multi_round"] = "scripted"
    decomposer: str | None = None
    steps: Annotated[int, Field(ge=0)] = 180
    """0: none, for a policy that speaks its dialect already."""
    batch_size: Count = 32
    learning_rate: Positive = 4e-3
    muon_learning_rate: Positive = 0.03
    demonstrations: Count = 6000
    decompose: Share = 1.0
    price_tilt: float = 0.35
    skill_tilt: float = 0.0
    retry: Share = 0.85
    check: Share = 0.06
    fail: Share = 0.0
    max_calls: Count = 3
