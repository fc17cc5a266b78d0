"""A conversation as the page keeps it, and what of it a model is sent along with the next question."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from rl_router.encoders.encoder import Encoder

Mode = Literal["current_only", "full_context", "retrieval"]
Message = dict[str, str]
Similar = Callable[[Sequence[str], str], Sequence[int]]
"""Which of the past questions are like the new one: their places, in the order in which they were asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A question and its answer as far as it has come. Whole answers have the gateway's `metadata`, others an `error`
    that says why there is no more of them."""

    question: str
    answer: str = ""
    metadata: Mapping[str, Any] | None = None
    error: str = ""

    @property
    def is_whole(self) -> bool:
        return self.metadata is not None and not self.error


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """`id` is what the gateway knows it by."""

    id: str = field(default_factory=lambda: f"chat-{secrets.token_hex(8)}")
    turns: tuple[Turn, ...] = ()

    def and_then(self, turn: Turn) -> Conversation:
        return replace(self, turns=(*self.turns, turn))

    def stopped(self) -> Conversation:
        """After the person has stopped an answer: what came of it stays, and is marked."""
        if not self.turns or self.turns[-1].metadata is not None or self.turns[-1].error:
            return self
        return replace(self, turns=(*self.turns[:-1], replace(self.turns[-1], error="stopped")))

    @property
    def cost_usd(self) -> float:
        """Of the whole answers whose cost is known."""
        return sum(turn.metadata["total_cost"] for turn in self.turns if turn.metadata is not None)

    @property
    def has_unknown_cost(self) -> bool:
        """Whether it may have cost more: a broken or stopped answer has no price, and some providers count nothing."""
        return any(bool(turn.error and turn.answer) or not _cost_known(turn) for turn in self.turns)


def messages(turns: Sequence[Turn], question: str, mode: Mode, similar: Similar) -> list[Message]:
    """What is sent: the question after nothing, after every whole answer, or after the similar ones."""
    past = [turn for turn in turns if turn.is_whole]
    if mode == "current_only":
        past = []
    elif mode == "retrieval":
        past = [past[place] for place in similar([turn.question for turn in past], question)]
    said = [
        {"role": role, "content": text}
        for turn in past
        for role, text in (("user", turn.question), ("assistant", turn.answer))
    ]
    return [*said, {"role": "user", "content": question}]


def most_similar(encoder: Encoder, past: Sequence[str], question: str, count: int) -> list[int]:
    """The `count` past questions nearest to `question` by cosine, in the order they were asked; none without any."""
    if not past or not count:
        return []
    vectors = encoder.encode([*past, question])  # [n + 1, d]
    nearness = vectors[:-1] @ vectors[-1]  # [n]
    nearest = np.argsort(-nearness, kind="stable")[:count]
    return sorted(int(place) for place in nearest if nearness[place] > 0)


def _cost_known(turn: Turn) -> bool:
    return turn.metadata is None or bool(turn.metadata.get("cost_known", True))
