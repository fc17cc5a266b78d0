"""Demonstrations by a multi-round router: whom it asked, in the policy's own grammar, where its answer was right.

What the teacher got wrong, or asked in a way that the grammar has no words for, is demonstrated as the script does it.
Unlike the script, a teacher knows something of who is good at what: what the pool says of its models.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rl_router.episode import tags
from rl_router.episode.dialect import Answer, Route
from rl_router.episode.multi_round import MultiRound
from rl_router.episode.task import Task
from rl_router.errors import RecipeError
from rl_router.policy.demonstrations import Demonstration, Demonstrator, route_turn
from rl_router.types import CallStatus, Episode, Mode, Query

HOPS = ("first", "then")
"""The words that stand for the parts of a question in two (`rl_router.episode.task.References`)."""


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """Writes as `script` does, with the choices of `llm_multiround` where they came to the right answer.

    RecipeError for a task that decides, for a pool whose replies must be paid, and for an unknown `decomposer`.
    """

    script: Demonstrator
    decomposer: str

    def __post_init__(self) -> None:
        task = self.task
        if task.mode is Mode.DECIDE:
            raise RecipeError("warm_start.source=multi_round splits questions: it takes a task that orchestrates")
        if not task.pool.is_free:
            raise RecipeError("warm_start.source=multi_round asks the pool for every demonstration: simulate it first")
        if self.decomposer not in task.pool.names:
            known = ", ".join(task.pool.names)
            raise RecipeError(f"expected warm_start.decomposer to be one of {known}, got {self.decomposer}")

    @property
    def task(self) -> Task:
        return self.script.task

    @property
    def cost_weights(self) -> tuple[float, ...]:
        return self.script.cost_weights

    def among(self, models: Sequence[str]) -> Teacher | Demonstrator:
        """Without the model that splits there is no teacher."""
        script = self.script.among(models)
        return replace(self, script=script) if self.decomposer in models else script

    def write(self, query: Query, cost_weight: float, rng: random.Random) -> Demonstration:
        episode = asyncio.run(self._agent.play(query))
        written = self._turns(query, cost_weight, episode)
        if written is None:
            return self.script.write(query, cost_weight, rng)
        return self.script.shown(query, cost_weight, written)

    @cached_property
    def _agent(self) -> MultiRound:
        return MultiRound(pool=self.task.pool, decomposer=self.decomposer)

    def _turns(self, query: Query, cost_weight: float, episode: Episode) -> tuple[tuple[str, str | None], ...] | None:
        """None where the script is to be followed instead."""
        _, *parts = episode.calls  # the first call splits, and the policy splits by itself
        tries = self.script.config.max_calls
        failed = any(call.reply.status is not CallStatus.OK for call in parts)
        if episode.quality != 1.0 or failed or len(parts) > tries or episode.answer != parts[-1].reply.text:
            return None
        turns: list[tuple[str, str | None]] = []
        for call, hop in zip(parts, self._hops([call.query for call in parts], query), strict=True):
            label = self.task.label(query) if hop == "same" else hop
            text = route_turn(self.script.lead(cost_weight), label, self.script.called(call.model), hop)
            if not isinstance(tags.parse_turn(text), Route):
                return None
            turns.append((text, call.reply.text))
        final = f"{tags.THINK} done{tags.END_THINK}{tags.ANSWER} it{tags.END_ANSWER}"
        assert isinstance(tags.parse_turn(final), Answer)
        return (*turns, (final, None))

    def _hops(self, asked: Sequence[str], query: Query) -> Sequence[str]:
        """What the policy is to write for what was asked: words where the task has them, which may mean it in slightly
        other words, and else the texts."""
        if list(asked) == [query.text]:
            return ("same",)
        has_words = self.task.references.query(HOPS[0], question=query.text, last_reply=None) != HOPS[0]
        return HOPS if has_words and len(asked) == len(HOPS) else asked
