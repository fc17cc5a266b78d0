"""A task: the questions, the pool that answers them, and what the policy may write instead of copying text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rl_router.episode.prompt_set import Prompt
from rl_router.pool.pool import ModelPool
from rl_router.types import Mode, Query


class References(Protocol):
    """Words a small policy may write instead of copying a text, each resolved from text alone.

    A 0.1 M-parameter policy copies digits and names badly, so it may write `same` for the whole question or `it` for
    the last reply. A word that is not a reference stands for itself. A policy that can copy uses `Verbatim`.
    """

    def query(self, text: str, *, question: str, last_reply: str | None) -> str: ...

    def answer(self, text: str, *, question: str, last_reply: str | None) -> str: ...


@dataclass(frozen=True)
class Verbatim:
    """No references: every text stands for itself, except that an empty sub-query means the question."""

    def query(self, text: str, *, question: str, last_reply: str | None) -> str:
        return text or question

    def answer(self, text: str, *, question: str, last_reply: str | None) -> str:
        return text


@dataclass(frozen=True, kw_only=True)
class Task:
    """What an environment needs. `cost_reference_usd` is the price of about one call to the strongest model: rewards
    divide by it, so that a cost weight of 1 makes such a call as dear as a right answer is good.

    `label` names the kind of a query in one word; demonstrations say it in their first thought. `prompts` is what is
    trained on where that was drawn before; without, each group is any training question at any cost weight.
    """

    name: str
    pool: ModelPool
    train: tuple[Query, ...]
    val: tuple[Query, ...]
    test: tuple[Query, ...]
    mode: Mode
    cost_reference_usd: float
    references: References
    label: Callable[[Query], str]
    prompts: tuple[Prompt, ...] = ()
