"""Scripted episodes for the warm start: the grammar is right, the choice of model is uninformed.

Each thought says the price level in a word, then the kind of query, then the model, and the model is drawn right after.
So the decision is one token that depends on two tokens before it: reinforcement learning can move it by kind and by
price without unlearning the grammar. What the draw may know is the price list, never which model is good at what.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rl_router.episode import tags
from rl_router.episode.described import LETTERS
from rl_router.episode.dialect import SERVERS_FAULT, Answer, Route, no_reply
from rl_router.episode.profiles import LEVELS, PRICE, levels
from rl_router.episode.task import Task
from rl_router.policy.config import WarmStart
from rl_router.pool.spec import ModelSpec
from rl_router.types import Mode, Query, Usage

PRICE_WORDS = ("free", "small", "low", "fair", "high", "dear", "steep", "harsh", "severe")
UNSURE = "not sure"
_TYPICAL_CALL = Usage(prompt_tokens=300, completion_tokens=150)


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """One scripted episode. A `cost_weight` of None stands in no prompt."""

    query: Query
    cost_weight: float | None
    turns: tuple[tuple[str, str | None], ...]
    """Each turn of the policy with the reply it got, None after the last."""
    models: tuple[ModelSpec, ...] = ()
    """Who could be asked, in the order of the prompt."""


def read_turn(text: str) -> tuple[str, Route | Answer]:
    """The thought and the action of a demonstration's turn, which any dialect can say in its own words."""
    action = tags.parse_turn(text)
    assert isinstance(action, Route | Answer), "demonstrations are grammatical"
    return text.partition(tags.THINK)[2].partition(tags.END_THINK)[0].strip(), action


def price_level(setting: float, settings: Sequence[float], *, budgets: bool = False) -> float:
    """From 0, where cost matters least, to 1: the rank of a cost weight, or of a budget from the largest down."""
    return sorted(settings, reverse=budgets).index(setting) / max(1, len(settings) - 1)


def price_word(setting: float, settings: Sequence[float], *, budgets: bool = False) -> str:
    """The word for a price level, by its rank among those trained for."""
    return PRICE_WORDS[round(price_level(setting, settings, budgets=budgets) * (len(PRICE_WORDS) - 1))]


@dataclass(frozen=True, kw_only=True)
class Demonstrator:
    """Writes demonstrations for one task. `tell_cost_weight` False leaves out the price level everywhere.

    With `budgets` the cost weights are budgets in USD, with `lettered` a model is called by its place in the pool.
    """

    task: Task
    cost_weights: tuple[float, ...]
    config: WarmStart
    tell_cost_weight: bool = True
    budgets: bool = False
    lettered: bool = False

    def among(self, models: Sequence[str]) -> Demonstrator:
        """The same, with these models alone, in this order."""
        return replace(self, task=replace(self.task, pool=self.task.pool.select(models)))

    def write(self, query: Query, cost_weight: float, rng: random.Random) -> Demonstration:
        shown = cost_weight if self.tell_cost_weight else None
        lead = self.lead(cost_weight)
        label = self.task.label(query)
        if self.task.mode is Mode.DECIDE:
            model = self.called(self._draw(shown, rng, query, asked=()))
            # Real models have long names, and nothing comes after the choice: it is written once.
            read = f" {self._read_out(query)}" if self.lettered else ""
            turn = f"{tags.THINK}{lead} {label}{read}{tags.END_THINK}{tags.SEARCH} {model}: same{tags.END_SEARCH}"
            return self.shown(query, cost_weight, ((turn, None),))
        turns: list[tuple[str, str | None]] = []
        references = self.task.references
        final = "unknown"
        if self._answers_directly(query) and rng.random() < 0.5:
            final = "last"
        else:
            split = references.query("first", question=query.text, last_reply=None) != "first"
            hops = ("first", "then") if split and rng.random() < self.config.decompose else ("same",)
            for hop in hops:
                reply = self._ask(hop, label if hop == "same" else hop, lead, shown, query, turns, rng)
                if reply == UNSURE:
                    break
            else:
                final = "it"
        turns.append((f"{tags.THINK} done{tags.END_THINK}{tags.ANSWER} {final}{tags.END_ANSWER}", None))
        return self.shown(query, cost_weight, tuple(turns))

    def shown(self, query: Query, cost_weight: float, turns: tuple[tuple[str, str | None], ...]) -> Demonstration:
        """These turns at this cost weight, which stands in the prompt or not."""
        told = cost_weight if self.tell_cost_weight else None
        return Demonstration(query=query, cost_weight=told, turns=turns, models=self.task.pool.specs)

    def lead(self, cost_weight: float) -> str:
        """What a thought begins with: the word for the price level, where it is told."""
        word = price_word(cost_weight, self.cost_weights, budgets=self.budgets)
        return f" {word}" if self.tell_cost_weight else ""

    def called(self, model: str) -> str:
        """What the policy writes to ask this model."""
        return LETTERS[self.task.pool.names.index(model)] if self.lettered else model

    def _read_out(self, query: Query) -> str:
        """What the prompt says of each model that matters for this kind of question, again and in one place."""
        here = (PRICE, query.task.replace("_", ""))
        said = [(model, levels(model.description)) for model in self.task.pool.specs]
        return " ".join(f"{self.called(model.name)}.{word}{level[word]}" for model, level in said for word in here)

    def _ask(
        self,
        hop: str,
        label: str,
        lead: str,
        shown: float | None,
        query: Query,
        turns: list[tuple[str, str | None]],
        rng: random.Random,
    ) -> str:
        """Ask until some model is sure, tries run out or turns do. A retry goes to a model that has not replied yet."""
        asked: list[str] = []
        last = turns[-1][1] if turns else None
        text = self.task.references.query(hop, question=query.text, last_reply=last)
        reply, again = UNSURE, ""
        while len(turns) < self.config.max_calls:
            model = self._draw(shown, rng, query, asked=asked)
            if self.config.fail and rng.random() < self.config.fail:
                turns.append((route_turn(f"{lead}{again}", label, self.called(model), hop), _failure(rng)))
                reply, again = UNSURE, " retry"
                continue
            reply = self.task.pool.ask(model, text, query=query).reply.text
            turns.append((route_turn(f"{lead}{again}", label, self.called(model), hop), reply))
            asked.append(model)
            if reply == UNSURE and rng.random() < self.config.retry and len(asked) < len(self.task.pool.names):
                again = " retry"
            elif reply != UNSURE and rng.random() < self.config.check and len(asked) < len(self.task.pool.names):
                again = " check"
            else:
                break
        return reply

    def _answers_directly(self, query: Query) -> bool:
        last = self.task.references.answer("last", question=query.text, last_reply=None)
        return last in query.answers

    def _draw(self, shown: float | None, rng: random.Random, query: Query, asked: Sequence[str]) -> str:
        names = [n for n in self.task.pool.names if n not in asked]
        weights = [1.0 if shown is None else self._price_weight(n, shown) for n in names]
        if self.config.skill_tilt:
            weights = [w * self._skill_weight(n, query) for w, n in zip(weights, names, strict=True)]
        return rng.choices(names, weights)[0]

    def _skill_weight(self, name: str, query: Query) -> float:
        stated = levels(self.task.pool.spec(name).description)
        return math.exp(self.config.skill_tilt * stated.get(query.task.replace("_", ""), 0) / (LEVELS - 1))

    def _price_weight(self, name: str, cost_weight: float) -> float:
        """Price to the power ±tilt: dear models are likelier where cost weighs least, cheap ones where most."""
        level = price_level(cost_weight, self.cost_weights, budgets=self.budgets)
        price = self.task.pool.spec(name).price(_TYPICAL_CALL)
        return math.exp(self.config.price_tilt * (1.0 - 2.0 * level) * math.log(max(price, 1e-9)))


def _failure(rng: random.Random) -> str:
    return no_reply(rng.choice(SERVERS_FAULT))


def route_turn(lead: str, label: str, model: str, hop: str) -> str:
    return f"{tags.THINK}{lead} {label} {model}{tags.END_THINK}{tags.SEARCH} {model}: {hop}{tags.END_SEARCH}"
