"""What a recipe of `rl-router data prompts` says: where questions come from, which pass, and which pools they get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from rl_router.errors import RecipeError

_FORBID = {"extra": "forbid"}
Share = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Questions of one split of a routing table or of a queries file; `datasets` and `tasks` narrow them, `n` draws."""

    __pydantic_config__ = _FORBID
    table: Path | None = None
    queries: Path | None = None
    split: str = "train"
    datasets: tuple[str, ...] | None = None
    tasks: tuple[str, ...] | None = None
    n: Annotated[int, Field(ge=1)] | None = None
    end_with_question_mark: bool = False
    """Router-R1 adds a question mark to a question that has none."""

    def __post_init__(self) -> None:
        if (self.table is None) == (self.queries is None):
            raise ValueError("a source has either a table or a queries file")


@dataclass(frozen=True, kw_only=True)
class Difficulty:
    """Keep questions whose pass rate, the mean score of `models` (of all when None), lies in this range."""

    __pydantic_config__ = _FORBID
    min_pass_rate: Share = 0.0
    max_pass_rate: Share = 1.0
    models: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Range:
    """How many models of a tier a sample's pool holds; a tier with fewer gives what it has."""

    __pydantic_config__ = _FORBID
    min: Annotated[int, Field(ge=0)]
    max: Annotated[int, Field(ge=0)]

    def __post_init__(self) -> None:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")


@dataclass(frozen=True, kw_only=True)
class FixedSet:
    """These models for this share of all prompts."""

    __pydantic_config__ = _FORBID
    share: Share
    models: Annotated[tuple[str, ...], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class Pools:
    """What is not in a fixed set gets a pool drawn by `tiers`, `repetitions` times per question, each drawn anew.

    Without tiers the shares of the fixed sets make 1 (fixed only); without either, every prompt gets the whole pool.
    """

    __pydantic_config__ = _FORBID
    tiers: Mapping[str, Range] = field(default_factory=dict)
    fixed: Mapping[str, FixedSet] = field(default_factory=dict)
    repetitions: Annotated[int, Field(ge=1)] = 1

    def __post_init__(self) -> None:
        total = sum(fixed.share for fixed in self.fixed.values())
        if total > 1 + 1e-9:
            raise ValueError(f"the shares of the fixed sets make {total:g}, which is above 1")
        if self.fixed and not self.tiers and total < 1 - 1e-9:
            raise ValueError(f"without tiers the shares of the fixed sets must make 1, and they make {total:g}")
        if self.tiers and not any(tier.max for tier in self.tiers.values()):
            raise ValueError("every tier has a max of 0, so a pool would be empty")


@dataclass(frozen=True, kw_only=True)
class PromptsJob:
    """One prompt set, written to the folder `out`: prompts.parquet and generation.yaml.

    `dialect` is what the policy will speak: `tags` (think / search / answer) or `tools` (call_MODEL functions).
    `instructions` puts the rules and the models into a tags prompt; without, the prompt is the question alone, as this
    project's trainer reads it. `simple` is xRouter's simple mode: one call, its answer is the answer.
    """

    __pydantic_config__ = _FORBID
    sources: Annotated[dict[str, Source], Field(min_length=1)]
    pool: str
    out: Path
    dialect: Literal["tags", "tools"] = "tags"
    instructions: bool = False
    simple: bool = False
    pools: Pools | None = None
    """None: every prompt may ask the whole pool."""
    difficulty: Difficulty | None = None
    tokenizer: str | None = None
    """A folder with tokenizer.json, or a hub name; it counts for `max_question_tokens`."""
    max_question_tokens: Annotated[int, Field(ge=1)] | None = None
    max_system_prompt_chars: Annotated[int, Field(ge=0)] = 2000
    """xRouter's rule: a user's own system prompt that is longer counts as part of the question."""
    max_prompts: Annotated[int, Field(ge=1)] | None = None
    cost_weights: Annotated[tuple[Annotated[float, Field(ge=0.0)], ...], Field(min_length=1)] = (0.0,)
    seed: int = 0
    workers: Annotated[int, Field(ge=1)] = 1

    def __post_init__(self) -> None:
        if self.max_question_tokens is not None and self.tokenizer is None:
            raise RecipeError("max_question_tokens needs a tokenizer to count with; add tokenizer=FOLDER.")
        if self.simple and self.dialect != "tools":
            raise RecipeError("simple mode belongs to dialect=tools; the tags dialect has one call per turn anyway.")
        if self.instructions and self.dialect != "tags":
            raise RecipeError("instructions belong to dialect=tags; a tools prompt always has them.")
