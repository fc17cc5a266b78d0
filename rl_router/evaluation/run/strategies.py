"""Fixed strategies that need no language model: a chain of models, one chain per hop, or the question's last word.

A chain asks its models in turn while the reply is "not sure". Every strategy is played through the task's own pool and
references, so it pays the prices that a policy pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

from rl_router.data.graders import exact_match
from rl_router.data.world import UNSURE
from rl_router.episode.task import Task
from rl_router.types import CallStatus, Mode, ModelReply, Query

LONGEST_CHAIN = 2


@dataclass(frozen=True)
class Strategy:
    """`first` answers the question, or its first hop when `then` answers the second. Neither: the answer `last`."""

    first: tuple[str, ...] = ()
    then: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " / ".join(" > ".join(chain) for chain in (self.first, self.then) if chain) or "direct"


class Trial(NamedTuple):
    """What a strategy came to on one query, before any reward."""

    quality: float | None
    cost_usd: float
    models: tuple[str, ...]
    decomposed: bool


class _Said(NamedTuple):
    reply: ModelReply | None
    cost_usd: float
    models: tuple[str, ...]


def strategies(task: Task, query: Query) -> tuple[Strategy, ...]:
    """All strategies for questions like this one, simplest first. In `decide` mode: the single models."""
    singles = [Strategy((name,)) for name in task.pool.names]
    if task.mode is Mode.DECIDE:
        return tuple(singles)
    chains = [chain for n in range(1, LONGEST_CHAIN + 1) for chain in permutations(task.pool.names, n)]
    found = [Strategy(), *(Strategy(chain) for chain in chains)]
    if decomposes(task, query):
        found += [Strategy(first, then) for first in chains for then in chains]
    return tuple(found)


def decomposes(task: Task, query: Query) -> bool:
    """Whether `first` means a question of its own here."""
    first = task.references.query("first", question=query.text, last_reply=None)
    return first not in ("first", query.text)


def play(task: Task, query: Query, candidates: tuple[Strategy, ...]) -> list[Trial]:
    """One trial per candidate. No call is made twice, and none is charged to anybody."""
    return list(map(_Player(task, query).play, candidates))


class _Player:
    """Plays strategies on one query, remembering what each chain said to each text."""

    def __init__(self, task: Task, query: Query) -> None:
        self.task, self.query = task, query
        self._said: dict[tuple[str, tuple[str, ...]], _Said] = {}
        self._graded: dict[str, float | None] = {}
        self._texts: dict[tuple[str, str | None], str] = {}

    def play(self, strategy: Strategy) -> Trial:
        if not strategy.first:
            answer = self.task.references.answer("last", question=self.query.text, last_reply=None)
            return Trial(self._grade(answer), 0.0, (), False)
        if not strategy.then:
            said = self._ask(self.query.text, strategy.first)
            return Trial(self._quality(said.reply), said.cost_usd, said.models, False)
        first = self._ask(self._text("first", None), strategy.first)
        if first.reply is None or _stuck(first.reply):
            return Trial(self._quality(first.reply), first.cost_usd, first.models, True)
        then = self._ask(self._text("then", first.reply.text), strategy.then)
        return Trial(self._quality(then.reply), first.cost_usd + then.cost_usd, first.models + then.models, True)

    def _text(self, word: str, last_reply: str | None) -> str:
        if (word, last_reply) not in self._texts:
            text = self.task.references.query(word, question=self.query.text, last_reply=last_reply)
            self._texts[word, last_reply] = text
        return self._texts[word, last_reply]

    def _ask(self, text: str, chain: tuple[str, ...]) -> _Said:
        if (text, chain) not in self._said:
            self._said[text, chain] = self._ask_again(text, chain)
        return self._said[text, chain]

    def _ask_again(self, text: str, chain: tuple[str, ...]) -> _Said:
        if not chain:
            return _Said(None, 0.0, ())
        before = self._ask(text, chain[:-1])
        if before.models and not _stuck(before.reply):
            return before
        call = self.task.pool.ask(chain[-1], text, query=self.query)
        return _Said(call.reply, before.cost_usd + call.cost_usd, (*before.models, chain[-1]))

    def _quality(self, reply: ModelReply | None) -> float | None:
        if reply is None or reply.status is not CallStatus.OK:
            return 0.0
        if self.task.mode is Mode.DECIDE and reply.score is not None:
            return reply.score
        return self._grade(reply.text)

    def _grade(self, answer: str) -> float | None:
        if answer not in self._graded:
            self._graded[answer] = exact_match(answer, self.query.answers)
        return self._graded[answer]


def _stuck(reply: ModelReply | None) -> bool:
    return reply is None or reply.status is not CallStatus.OK or reply.text == UNSURE
