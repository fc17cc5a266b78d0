"""The frozen values that cross package borders: queries, usage, replies, decisions, episodes. No logic but sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """One question with the answers that count as right.

    `task` names its kind or benchmark (the rows of a per-task table); `difficulty` is 1 or more within a task.
    `grader` names who grades an answer to it (`rl-router list graders`), with `choices` (label to option) and `meta`
    (unit tests, images, tools …) at hand.
    """

    query_id: str
    text: str
    answers: tuple[str, ...]
    task: str
    split: str = "test"
    difficulty: int = 1
    dataset: str = ""
    grader: str = ""
    choices: Mapping[str, str] = field(default_factory=dict, hash=False)
    meta: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of one or more calls. `prompt_tokens` includes the cached ones, `completion_tokens` the reasoning ones."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


class CallStatus(StrEnum):
    """How a call to a model of the pool ended. All but OK are data for the episode, never an exception."""

    OK = "ok"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    FAILED = "failed"  # the server's fault, or a connection that broke
    REJECTED = "rejected"  # the request's fault: a wrong key, an unknown model name, a prompt that is too long
    UNREADABLE = "unreadable"  # an answer came that is no reply: a page of HTML, cut JSON, another shape
    TRUNCATED = "truncated"  # the tokens ran out before the first word of an answer, spent on reasoning
    UNKNOWN_MODEL = "unknown_model"
    OVER_BUDGET = "over_budget"
    INTERRUPTED = "interrupted"  # an earlier attempt: the process that sent it was killed before its answer came


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try to get a reply that a later try replaced. It may have cost tokens; `usage` None: nobody can say."""

    status: CallStatus
    usage: Usage | None = Usage()
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelReply:
    """What a model of the pool answered. `score` is its recorded quality in [0, 1], None when nobody graded it."""

    model: str
    text: str
    usage: Usage = Usage()
    latency_s: float = 0.0
    status: CallStatus = CallStatus.OK
    score: float | None = None
    cost_usd: float | None = None
    """The recorded price of the call, when the source knows it; the ledger computes it from `usage` otherwise."""
    from_cache: bool = False
    finish_reason: str = ""
    """Why the model stopped, in OpenAI's words: `stop`, `length` (cut at its token limit), `content_filter` …"""
    usage_known: bool = True
    """False when the call was sent and no token count came back: `usage` is then zero, and no price of it is true."""
    earlier: tuple[Attempt, ...] = ()
    """The attempts that failed before this one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Which model should answer, and why: predicted quality and cost of every candidate.

    `fallbacks` come next, in this order, when the answer is refused or the call fails. `propensity` is the chance that
    `model` had of being chosen: 1 unless the rule samples; `chances` are then those of every candidate.
    """

    model: str
    scores: Mapping[str, float]
    predicted_cost_usd: Mapping[str, float] = field(default_factory=dict)
    fallbacks: tuple[str, ...] = ()
    reason: str = ""
    propensity: float = 1.0
    chances: Mapping[str, float] = field(default_factory=dict)

    def chance(self, model: str) -> float:
        """That `model` had of being chosen."""
        return self.chances.get(model, 0.0) if self.chances else float(model == self.model)


class StopReason(StrEnum):
    """Why an episode ended."""

    ANSWERED = "answered"
    ROUTED = "routed"  # decide mode: the first routed reply is the answer
    MALFORMED = "malformed"  # the policy broke the grammar
    MAX_TURNS = "max_turns"
    MAX_TOKENS = "max_tokens"
    OVER_BUDGET = "over_budget"


class Source(StrEnum):
    """Who wrote a span of tokens. Only POLICY tokens enter the loss."""

    PROMPT = "prompt"
    POLICY = "policy"
    REPLY = "reply"


class Mode(StrEnum):
    """`ORCHESTRATE`: many turns, the policy writes the answer. `DECIDE`: the first route is the answer."""

    ORCHESTRATE = "orchestrate"
    DECIDE = "decide"


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A span of tokens by one author. `log_probs` has one entry per token for POLICY, none otherwise."""

    source: Source
    text: str
    token_ids: tuple[int, ...]
    log_probs: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One routed call of an episode, priced. `cost_usd` is what the episode pays, a cache hit included."""

    model: str
    query: str
    reply: ModelReply
    cost_usd: float


@dataclass(frozen=True, kw_only=True)
class Episode:
    """The trace of one conversation, the same in training, evaluation and serving.

    `reward` maps a term's name to its value as weighted; a None value means that it could not be scored, and then
    `total_reward` is None too: the episode is dropped from its group and counted, never taken for a zero.
    """

    query: Query
    cost_weight: float | None
    mode: Mode
    segments: tuple[Segment, ...]
    calls: tuple[Call, ...]
    stop: StopReason
    answer: str | None
    quality: float | None
    format_ok: bool
    cost_usd: float
    usage: Usage = Usage()
    reward: Mapping[str, float | None] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def total_reward(self) -> float | None:
        values = list(self.reward.values())
        return None if any(v is None for v in values) else float(sum(v for v in values if v is not None))

    @cached_property
    def token_ids(self) -> tuple[int, ...]:
        """[t] prompt, sampled and reply tokens in order."""
        return tuple(i for s in self.segments for i in s.token_ids)

    @cached_property
    def policy_mask(self) -> tuple[bool, ...]:
        """[t] True where the policy sampled the token."""
        return tuple(s.source is Source.POLICY for s in self.segments for _ in s.token_ids)

    @cached_property
    def log_probs(self) -> tuple[float, ...]:
        """[t] log-probability of each sampled token, 0.0 elsewhere."""
        return tuple(p for s in self.segments for p in (s.log_probs or (0.0,) * len(s.token_ids)))

    @property
    def text(self) -> str:
        return "".join(s.text for s in self.segments)
