"""The environment of one episode: sampled tokens go in, a reply's tokens come out, and an `Episode` is left behind.

Exact prefix: the next prompt is the previous prompt + the sampled ids + the replies' ids. Text is parsed from what was
sampled and never tokenised again. A bad worker becomes an observation, and the policy may ask again: while
`limits.forgiven_turns` last, it does not even cost the turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from rl_router.data.graders import exact_match, grade_async
from rl_router.episode.dialect import (
    LAST,
    SERVERS_FAULT,
    Action,
    Answer,
    BadCall,
    Calls,
    Dialect,
    Left,
    Malformed,
    Observation,
    Opening,
    Route,
    Select,
    no_reply,
)
from rl_router.episode.limits import Limits
from rl_router.episode.rewards import Budgeted, Overlong, Reward
from rl_router.episode.tags import neutralise, writable
from rl_router.episode.task import Task
from rl_router.episode.tokens import CHARACTERS_PER_TOKEN
from rl_router.pool.backend import Request, Sampling
from rl_router.pool.budget import Budget
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.types import Call, CallStatus, Episode, Mode, Query, Segment, Source, StopReason, Usage

__all__ = ["Environment", "Limits"]


class Environment:
    """One question. `cost_weight` weighs the reward and, unless `show_cost_weight` is off, stands in the prompt.

    `pool` is the episode's own where it may ask only some of the task's models. The policy's own tokens are charged
    when `router_spec` prices them. `budget` is the run's; the episode's lies in it.
    """

    def __init__(
        self,
        task: Task,
        codec: Dialect,
        reward: Reward,
        limits: Limits,
        query: Query,
        cost_weight: float | None,
        show_cost_weight: bool = True,
        router_spec: ModelSpec | None = None,
        budget: Budget | None = None,
        overlong: Overlong | None = None,
        pool: ModelPool | None = None,
        ledger: Ledger | None = None,
    ):
        self.task, self.codec, self.reward, self.limits = task, codec, reward, limits
        self.query, self.cost_weight, self.router_spec, self.overlong = query, cost_weight, router_spec, overlong
        self.pool = pool or task.pool
        self.ledger = Ledger() if ledger is None else ledger
        self.budget = budget
        if limits.episode_budget_usd is not None:
            self.budget = Budget(limits.episode_budget_usd, name="episode", parent=budget)
        self._ids: list[int] = []
        self._segments: list[Segment] = []
        shown = cost_weight if show_cost_weight else None
        opening = opening_of(self.pool, task.mode, limits, query, shown, budgets=isinstance(reward, Budgeted))
        self._append(Source.PROMPT, codec.opening(opening, limits.max_prompt_tokens))
        self._prompt_tokens = len(self._ids)
        self._calls: list[Call] = []
        self._turns = self._forgiven_turns = self._policy_tokens = self._last_read_tokens = 0
        self._bad_calls = self._malformed_turns = self._defused_replies = self._cut_replies = 0
        self._router_usd = 0.0
        self._last_reply: str | None = None
        self._episode: Episode | None = None

    @property
    def prompt_ids(self) -> list[int]:
        """All ids so far: what the next turn is sampled from."""
        return list(self._ids)

    @property
    def max_tokens(self) -> int:
        """How many tokens the next turn may have."""
        return min(self.limits.max_turn_tokens, self.limits.max_response_tokens - self._response_tokens)

    @property
    def done(self) -> bool:
        return self._episode is not None

    @property
    def episode(self) -> Episode:
        if self._episode is None:
            raise RuntimeError("The episode is not over: step until it returns None.")
        return self._episode

    async def step(self, token_ids: Sequence[int], log_probs: Sequence[float] | None = None) -> list[int] | None:
        """Take one sampled turn. Returns the ids that were appended after it, or None when the episode is over.

        Tokens sampled behind the end of the turn are paid for and left out.
        """
        log_probs = log_probs or ()
        allowed = self.max_tokens
        self._check(token_ids, log_probs, allowed)
        self._charge_router(len(token_ids))
        kept = self.codec.kept(token_ids) if token_ids else 0
        cut_off = len(token_ids) == allowed and (kept == 0 or not self.codec.ends(token_ids[:kept]))
        self._append(Source.POLICY, token_ids[:kept], log_probs[:kept])
        self._turns += 1
        self._policy_tokens += len(token_ids)
        return await self._act(self.codec.parse(self._segments[-1].text), cut_off)

    async def _act(self, action: Action, cut_off: bool) -> list[int] | None:
        if cut_off:
            return await self._end(StopReason.MAX_TOKENS)
        match action:
            case Answer(text):
                told = self.task.references.answer(text, question=self.query.text, last_reply=self._last_reply)
                return await self._end(StopReason.ANSWERED, answer=told)
            case Select(call):
                made = self._selected(call)
                if made is not None:
                    return await self._end(StopReason.ANSWERED, answer=made.reply.text, score=made.reply.score)
                return await self._ask((BadCall(f"there is no reply named {call[:40]!r} to select"),))
            case Malformed(reason):
                self._malformed_turns += 1
                if not self.codec.corrects or self._is_last_turn:
                    return await self._end(StopReason.MALFORMED)
                return await self._show([Observation(f"The last turn was not understood: {reason}.")])
            case Calls(calls):
                return await self._ask(calls)
            case Route() as route:
                return await self._ask((route,))

    async def _ask(self, calls: Sequence[Route | BadCall]) -> list[int] | None:
        decides = self.task.mode is Mode.DECIDE
        if self._is_last_turn and not decides:  # no turn is left that could read the reply, so it is not bought
            return await self._end(StopReason.MAX_TURNS)
        first = next((call for call in calls if isinstance(call, Route)), None)
        if decides and first is not None:
            calls = (first,)
        allowed = calls[: self.limits.max_calls_per_turn]
        asked = await asyncio.gather(*(self._call(call) for call in allowed if isinstance(call, Route)))
        self._calls += asked
        statuses = [call.reply.status for call in asked]
        if CallStatus.OVER_BUDGET in statuses:
            return await self._end(StopReason.OVER_BUDGET)
        if len(asked) == len(calls) and all(status in SERVERS_FAULT for status in statuses):
            self._forgiven_turns += self._forgiven_turns < self.limits.forgiven_turns
        answered = [call.reply for call in asked if call.reply.status is CallStatus.OK]
        if answered:
            # As much as can have been read: a reply of a megabyte that is referred to must not be paid for once more.
            self._last_reply = answered[-1].text[: CHARACTERS_PER_TOKEN * self.limits.max_reply_tokens]
            if decides:
                return await self._end(StopReason.ROUTED, answer=answered[0].text, score=answered[0].score)
        if self._is_last_turn:
            self._bad_calls += len(calls) - len(asked)
            return await self._end(StopReason.MAX_TURNS)
        return await self._show(self._observations(calls, list(asked)))

    async def _call(self, route: Route) -> Call:
        text = self.query.text
        if route.query is not None:
            text = self.task.references.query(route.query, question=text, last_reply=self._last_reply)
        model = self.codec.named(route.model, self.pool.specs)
        if model not in self.pool.names:
            call = await self.pool.call(model, text, query=self.query, ledger=self.ledger, budget=self.budget)
        else:
            request = Request(
                spec=self.pool.spec(model),
                prompt=text,
                query=self.query,
                max_tokens=self.limits.worker_tokens,
                messages=self.codec.messages(route, text),
                sampling=Sampling(temperature=route.temperature),
            )
            call = await self.pool.send(request, ledger=self.ledger, budget=self.budget)
        return replace(call, reply=replace(call.reply, text=writable(call.reply.text)))

    def _observations(self, calls: Sequence[Route | BadCall], asked: list[Call]) -> list[Observation]:
        """What each call of a turn came to, in the order in which they were made."""
        number = len(self._calls) - len(asked)
        shown, answers = [], iter(asked)
        for place, call in enumerate(calls):
            if isinstance(call, BadCall):
                self._bad_calls += 1
                shown.append(Observation(call.reason, failed=True))
            elif place >= self.limits.max_calls_per_turn:
                self._bad_calls += 1
                reason = f"not called: a turn has at most {self.limits.max_calls_per_turn} calls"
                shown.append(Observation(reason, failed=True))
            else:
                made = next(answers)
                number += 1
                failed = made.reply.status is not CallStatus.OK
                shown.append(Observation(self._told(made), name_of(number), made.model, failed))
        return shown

    async def _show(self, observations: Sequence[Observation]) -> list[int] | None:
        limit = self.limits.max_reply_tokens
        left_usd = None if self.budget is None else self.budget.left_usd
        left = Left(turns=self._turns_left, budget_usd=left_usd)
        ids = self.codec.observed(observations, left, limit)
        for text in (o.text for o in observations if o.name and not o.failed):
            self._cut_replies += len(text) > limit and self.codec.loses_end(text, limit)
            self._defused_replies += neutralise(text) != text
        if self._response_tokens + len(ids) >= self.limits.max_response_tokens:
            return await self._end(StopReason.MAX_TOKENS, cut_by_reply=True)
        self._append(Source.REPLY, ids)
        return ids

    def _selected(self, call: str) -> Call | None:
        """An answered call by its name, the last one of a model, or the last of all."""
        model = self.codec.named(call, self.pool.specs)
        for number, made in reversed(list(enumerate(self._calls, start=1))):
            is_meant = call in (name_of(number), str(number), LAST) or made.model == model
            if is_meant and made.reply.status is CallStatus.OK:
                return made
        return None

    @property
    def _turns_left(self) -> int:
        return self.limits.max_turns - (self._turns - self._forgiven_turns)

    @property
    def _is_last_turn(self) -> bool:
        return self._turns_left <= 0

    def _told(self, call: Call) -> str:
        match call.reply.status:
            case CallStatus.OK:
                return call.reply.text
            case CallStatus.UNKNOWN_MODEL:
                return f"no such model; choose {', '.join(self.pool.names)}"
            case status:
                return no_reply(status)

    async def _end(
        self, stop: StopReason, *, answer: str | None = None, score: float | None = None, cut_by_reply: bool = False
    ) -> None:
        """The policy owns the format: a malformed turn breaks it, as does one that its tokens do not suffice for."""
        cut_off = stop is StopReason.MAX_TOKENS and not cut_by_reply
        format_ok = self._malformed_turns == 0 and not cut_off
        quality = await self._quality(stop, answer, score)
        weight = 0.0 if self.cost_weight is None else self.cost_weight
        terms = self.reward.terms(
            quality=quality,
            cost_usd=self.ledger.cost_usd,
            cost_weight=weight,
            format_ok=format_ok,
            cost_reference_usd=self.task.cost_reference_usd,
        )
        if self.overlong is not None:
            terms |= self.overlong.terms(self._policy_tokens)
        self._episode = Episode(
            query=self.query,
            cost_weight=self.cost_weight,
            mode=self.task.mode,
            segments=tuple(self._segments),
            calls=tuple(self._calls),
            stop=stop,
            answer=answer,
            quality=quality,
            format_ok=format_ok,
            cost_usd=self.ledger.cost_usd,
            usage=self.ledger.usage,
            reward=terms,
            metrics=self._metrics(format_ok),
        )
        assert self._episode.token_ids == tuple(self._ids), "the segments of an episode must join to its prompt"

    async def _quality(self, stop: StopReason, answer: str | None, score: float | None) -> float | None:
        """`score` is recorded with a reply that is the answer as it stands. None where nobody can tell: no answer is
        known to be right, or the run's money ran out, not the episode's."""
        if stop is StopReason.OVER_BUDGET and self.limits.episode_budget_usd is None:
            return None
        if answer is None:
            return 0.0
        if score is not None:
            return score
        if self.query.grader:
            return await grade_async(self.query.grader, answer, self.query)
        return exact_match(answer, self.query.answers)

    def _metrics(self, format_ok: bool) -> dict[str, float]:
        statuses = [call.reply.status for call in self._calls]
        return {
            "router_usd": self._router_usd,
            "calls": float(len(statuses)),
            "failed_calls": float(sum(s is not CallStatus.OK for s in statuses)),
            "unknown_models": float(statuses.count(CallStatus.UNKNOWN_MODEL)),
            "turns": float(self._turns),
            "forgiven_turns": float(self._forgiven_turns),
            "format_ok": float(format_ok),
            "decomposed": float(any(call.query != self.query.text for call in self._calls)),
            "policy_tokens": float(self._policy_tokens),
            "response_tokens": float(self._response_tokens),
            "bad_calls": float(self._bad_calls),
            "cut_replies": float(self._cut_replies),
            "defused_replies": float(self._defused_replies),
        }

    @property
    def _response_tokens(self) -> int:
        return len(self._ids) - self._prompt_tokens

    def _append(self, source: Source, ids: Sequence[int], log_probs: Sequence[float] = ()) -> None:
        text = self.codec.decode(ids)
        self._segments.append(Segment(source=source, text=text, token_ids=tuple(ids), log_probs=tuple(log_probs)))
        self._ids.extend(ids)

    def _charge_router(self, sampled_tokens: int) -> None:
        """A turn reads the whole prompt; what the turn before it read or wrote comes from the prefix cache."""
        if self.router_spec is None:
            return
        read, cached = len(self._ids), self._last_read_tokens
        usage = Usage(prompt_tokens=read, cached_tokens=cached, completion_tokens=sampled_tokens)
        self._last_read_tokens = read + sampled_tokens
        cost_usd = self.router_spec.price(usage)
        self.ledger.charge(model=self.router_spec.name, purpose="router", usage=usage, cost_usd=cost_usd)
        self._router_usd += cost_usd
        if self.budget is not None:
            self.budget.settle(cost_usd)

    def _check(self, token_ids: Sequence[int], log_probs: Sequence[float], allowed: int) -> None:
        if self.done:
            raise RuntimeError("The episode is over: read `episode`.")
        if len(token_ids) > allowed:
            raise ValueError(f"Expected a turn of at most {allowed} tokens, got {len(token_ids)}.")
        if log_probs and len(log_probs) != len(token_ids):
            raise ValueError(f"Expected {len(token_ids)} log-probabilities, one per token, got {len(log_probs)}.")


def opening_of(
    pool: ModelPool, mode: Mode, limits: Limits, query: Query, shown: float | None, *, budgets: bool = False
) -> Opening:
    """What a prompt may tell. `shown` is the setting of the dial, with `budgets` an amount in USD; None is not told."""
    return Opening(
        query=query,
        models=pool.specs,
        cost_weight=None if budgets else shown,
        budget_usd=shown if budgets else limits.episode_budget_usd,
        max_turns=limits.max_turns,
        mode=mode,
    )


def name_of(number: int) -> str:
    """What the policy knows a call of its episode by, counted from 1."""
    return f"call_{number}"
