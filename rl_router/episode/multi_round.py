"""Agents that split a question, route each part and go on with the replies: multi-round routers without training.

`knn_multiround` lets a model of the pool split the question and a fitted router choose whom to ask each part;
`llm_multiround` lets the model that splits also choose. Every call, the splitting included, is charged to one ledger,
and an `Episode` is left behind as from any policy. The scheme is that of LLMRouter's multi-round routers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rl_router.data.decomposition import Part, parts_of, split_prompt
from rl_router.data.graders import exact_match, grade_async
from rl_router.pool.budget import Budget
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.types import Call, CallStatus, Episode, Mode, Query, StopReason

if TYPE_CHECKING:
    from rl_router.routers.router import Router

MOST_PARTS = 4
TRIES = 2
"""Models that are asked a part before the episode is given up: one, and another where its call fails."""
Choose = Callable[[Query], Awaitable[Sequence[str]]]
"""From a question or a part of one to the models that should answer it, the best first."""


@dataclass(frozen=True, kw_only=True)
class MultiRound:
    """`decomposer` is the model that splits questions, and that joins the answers to parts which do not build on each
    other. Without `choose` it also says whom to ask each part."""

    pool: ModelPool
    decomposer: str
    choose: Choose | None = None
    most_parts: int = MOST_PARTS
    max_tokens: int | None = None
    budget: Budget | None = None

    async def play(self, query: Query, cost_weight: float | None = None, ledger: Ledger | None = None) -> Episode:
        """Every call is charged to `ledger` as it is made, to one of the episode's own where none is given."""
        talk = _Talk(self, query, Ledger() if ledger is None else ledger)
        listed = () if self.choose is not None else tuple(map(described, by_price(self.pool)))
        reply = await talk.ask(self.decomposer, split_prompt(query.text, listed), own=True)
        parts = parts_of(reply.reply.text if _is_ok(reply) else "", query.text, most=self.most_parts)
        answers: list[str] = []
        for part in parts:
            text = part.filled(answers)
            call = await talk.ask_in_turn(await self._models(part, text, query), text)
            if not _is_ok(call):  # what builds on it cannot be asked
                return await talk.episode(None, cost_weight)
            answers.append(call.reply.text)
        if len(parts) == 1 or parts[-1].references:
            return await talk.episode(answers[-1], cost_weight)
        able = dict.fromkeys((self.decomposer, *(call.model for call in reversed(talk.calls))))
        joined = await talk.ask_in_turn(tuple(able), _join_prompt(query.text, parts, answers), own=True)
        return await talk.episode(joined.reply.text if _is_ok(joined) else None, cost_weight)

    async def _models(self, part: Part, text: str, query: Query) -> Sequence[str]:
        if self.choose is not None:
            task = query.task if text == query.text else ""  # a part is of another kind than the whole
            return await self.choose(replace(query, text=text, task=task))
        dearest_first = [spec.name for spec in reversed(by_price(self.pool))]
        named = [part.model] if part.model in self.pool.names else []
        return tuple(dict.fromkeys((*named, self.decomposer, *dearest_first)))


def chosen_by(router: Router, pool: Collection[str], cost_weight: float) -> Choose:
    """A fitted router's choice among the models of `pool`, then its others by the score that it expects of them."""
    models = [model for model in router.models_ if model in pool]

    async def choose(query: Query) -> Sequence[str]:
        decision = router.route([query], cost_weight=cost_weight, models=models)[0]
        others = sorted(models, key=lambda model: -decision.scores[model])
        return tuple(dict.fromkeys((decision.model, *decision.fallbacks, *others)))

    return choose


def play_all(
    agent: MultiRound, queries: Sequence[Query], cost_weight: float | None, *, at_once: int = 64
) -> list[Episode]:
    """Their episodes, in order."""
    return asyncio.run(play_at_once(agent, queries, cost_weight, at_once=at_once))


async def play_at_once(
    agent: MultiRound, queries: Sequence[Query], cost_weight: float | None, *, at_once: int
) -> list[Episode]:
    gate = asyncio.Semaphore(at_once)

    async def one(query: Query) -> Episode:
        async with gate:
            return await agent.play(query, cost_weight)

    return list(await asyncio.gather(*map(one, queries)))


def by_price(pool: ModelPool) -> list[ModelSpec]:
    """The cheapest output first."""
    return sorted(pool.specs, key=lambda spec: (spec.output_usd_per_mtok, spec.name))


def described(spec: ModelSpec) -> str:
    """A line that begins with the name of a model and says what it can do at what price."""
    able = f"; {', '.join(spec.capabilities)}" if spec.capabilities else ""
    return f"{spec.name}: ${spec.output_usd_per_mtok:g} per million tokens{able}. {spec.description}".strip()


@dataclass
class _Talk:
    """The calls of one episode and what they cost."""

    agent: MultiRound
    query: Query
    ledger: Ledger
    calls: list[Call] = field(default_factory=list)
    own_usd: float = 0.0
    out_of_money: bool = False

    async def ask(self, model: str, prompt: str, *, own: bool = False) -> Call:
        """One call; `own` are those of the router itself, which answer no part."""
        call = await self.agent.pool.call(
            model,
            prompt,
            query=self.query,
            ledger=self.ledger,
            budget=self.agent.budget,
            max_tokens=self.agent.max_tokens,
            purpose="router" if own else "worker",
        )
        self.calls.append(call)
        self.out_of_money |= call.reply.status is CallStatus.OVER_BUDGET
        self.own_usd += call.cost_usd if own else 0.0
        return call

    async def ask_in_turn(self, models: Sequence[str], prompt: str, *, own: bool = False) -> Call:
        """The first reply that comes of at most `TRIES` models, else the last failure."""
        for model in models[:TRIES]:
            call = await self.ask(model, prompt, own=own)
            if _is_ok(call) or self.out_of_money:
                break
        return call

    async def episode(self, answer: str | None, cost_weight: float | None) -> Episode:
        """`answer` None: the money ran out, or nobody answered what had to be known."""
        stop = StopReason.ANSWERED if answer is not None else StopReason.MAX_TURNS
        if self.out_of_money:
            stop, answer = StopReason.OVER_BUDGET, None
        return Episode(
            query=self.query,
            cost_weight=cost_weight,
            mode=Mode.ORCHESTRATE,
            segments=(),
            calls=tuple(self.calls),
            stop=stop,
            answer=answer,
            quality=await self._quality(answer),
            format_ok=True,
            cost_usd=self.ledger.cost_usd,
            usage=self.ledger.usage,
            metrics={
                "router_usd": self.own_usd,
                "calls": float(len(self.calls)),
                "failed_calls": float(sum(not _is_ok(call) for call in self.calls)),
            },
        )

    async def _quality(self, answer: str | None) -> float | None:
        """None where the money ran out, or nobody knows what is right: nobody can tell then."""
        if self.out_of_money or not (self.query.grader or self.query.answers):
            return None
        if answer is None:
            return 0.0
        if self.query.grader:
            return await grade_async(self.query.grader, answer, self.query)
        return exact_match(answer, self.query.answers)


def _join_prompt(question: str, parts: Sequence[Part], answers: Sequence[str]) -> str:
    known = "\n".join(f"{part.filled(answers)}\n{answer}\n" for part, answer in zip(parts, answers, strict=True))
    return f"{known}\nAnswer the question from what is said above, with the answer alone.\nQuestion: {question}"


def _is_ok(call: Call) -> bool:
    return call.reply.status is CallStatus.OK
