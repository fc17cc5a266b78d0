"""The environment of one episode: sampled tokens go in, a reply's tokens come out, and an `Episode` is left behind.

Exact prefix: the next prompt is the previous prompt + the sampled ids + the reply's ids. Text is parsed from what was
sampled and never tokenised again, and a bad worker becomes an observation that costs the policy nothing but the turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rl_router.data.graders import exact_match
from rl_router.episode.limits import Limits
from rl_router.episode.rewards import Overlong, Reward
from rl_router.episode.tags import Answer, Malformed, Route, parse_turn, writable
from rl_router.episode.task import Task
from rl_router.episode.tokens import TokenCodec
from rl_router.pool.budget import Budget
from rl_router.pool.ledger import Ledger
from rl_router.pool.spec import ModelSpec
from rl_router.types import Call, CallStatus, Episode, Mode, Query, Segment, Source, StopReason, Usage

__all__ = ["Environment", "Limits"]


class Environment:
    """One question. `cost_weight` weighs the reward and, unless `show_cost_weight` is off, stands in the prompt.

    The policy's own tokens are charged when `router_spec` prices them. `budget` is the run's; the episode's lies in it.
    """

    def __init__(
        self,
        task: Task,
        codec: TokenCodec,
        reward: Reward,
        limits: Limits,
        query: Query,
        cost_weight: float | None,
        show_cost_weight: bool = True,
        router_spec: ModelSpec | None = None,
        budget: Budget | None = None,
        overlong: Overlong | None = None,
    ):
        self.task, self.codec, self.reward, self.limits = task, codec, reward, limits
        self.query, self.cost_weight, self.router_spec, self.overlong = query, cost_weight, router_spec, overlong
        self.ledger = Ledger()
        self.budget = budget
        if limits.episode_budget_usd is not None:
            self.budget = Budget(limits.episode_budget_usd, name="episode", parent=budget)
        shown = cost_weight if show_cost_weight else None
        self._ids: list[int] = []
        self._segments: list[Segment] = []
        self._append(Source.PROMPT, codec.prompt(query.text, shown, limits.max_prompt_tokens))
        self._prompt_tokens = len(self._ids)
        self._calls: list[Call] = []
        self._turns = self._policy_tokens = self._last_read_tokens = 0
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
        """Take one sampled turn. Returns the ids that were appended after it, or None when the episode is over."""
        log_probs = log_probs or ()
        allowed = self.max_tokens
        self._check(token_ids, log_probs, allowed)
        self._charge_router(len(token_ids))
        self._append(Source.POLICY, token_ids, log_probs)
        self._turns += 1
        self._policy_tokens += len(token_ids)
        action = parse_turn(self._segments[-1].text, self.codec.eos)
        if isinstance(action, Malformed):
            cut = len(token_ids) == allowed and token_ids[-1] not in self.codec.stop_ids
            return self._end(StopReason.MAX_TOKENS if cut else StopReason.MALFORMED, format_ok=False)
        if isinstance(action, Answer):
            answer = self.task.references.answer(action.text, question=self.query.text, last_reply=self._last_reply)
            return self._end(StopReason.ANSWERED, answer=answer)
        return await self._route(action)

    async def _route(self, route: Route) -> list[int] | None:
        decides = self.task.mode is Mode.DECIDE
        last_turn = self._turns >= self.limits.max_turns
        if last_turn and not decides:  # no turn is left that could read the reply, so it is not bought
            return self._end(StopReason.MAX_TURNS)
        text = self.task.references.query(route.query, question=self.query.text, last_reply=self._last_reply)
        call = await self.task.pool.call(route.model, text, query=self.query, ledger=self.ledger, budget=self.budget)
        call = replace(call, reply=replace(call.reply, text=writable(call.reply.text)))
        self._calls.append(call)
        if call.reply.status is CallStatus.OVER_BUDGET:
            return self._end(StopReason.OVER_BUDGET)
        if call.reply.status is CallStatus.OK:
            self._last_reply = call.reply.text
            if decides:
                return self._end(StopReason.ROUTED, answer=call.reply.text)
        if last_turn:
            return self._end(StopReason.MAX_TURNS)
        ids = self.codec.reply(self._observation(call), self.limits.max_reply_tokens)
        if self._response_tokens + len(ids) >= self.limits.max_response_tokens:
            return self._end(StopReason.MAX_TOKENS)
        self._append(Source.REPLY, ids)
        return ids

    def _observation(self, call: Call) -> str:
        match call.reply.status:
            case CallStatus.OK:
                return call.reply.text
            case CallStatus.UNKNOWN_MODEL:
                return f"no such model; choose {', '.join(self.task.pool.names)}"
            case status:
                return f"no reply; {status.value.replace('_', ' ')}"

    def _end(self, stop: StopReason, *, answer: str | None = None, format_ok: bool = True) -> None:
        quality = self._quality(stop, answer)
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

    def _quality(self, stop: StopReason, answer: str | None) -> float | None:
        """None where nobody can tell: no answer is known to be right, or the run's money ran out, not the episode's."""
        if stop is StopReason.OVER_BUDGET and self.limits.episode_budget_usd is None:
            return None
        if answer is None:
            return 0.0
        if stop is StopReason.ROUTED and self._calls[-1].reply.score is not None:
            return self._calls[-1].reply.score
        return exact_match(answer, self.query.answers)

    def _metrics(self, format_ok: bool) -> dict[str, float]:
        statuses = [call.reply.status for call in self._calls]
        return {
            "calls": float(len(statuses)),
            "failed_calls": float(sum(s is not CallStatus.OK for s in statuses)),
            "unknown_models": float(statuses.count(CallStatus.UNKNOWN_MODEL)),
            "turns": float(self._turns),
            "format_ok": float(format_ok),
            "decomposed": float(any(call.query != self.query.text for call in self._calls)),
            "policy_tokens": float(self._policy_tokens),
            "response_tokens": float(self._response_tokens),
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
        if self.budget is not None:
            self.budget.settle(cost_usd)

    def _check(self, token_ids: Sequence[int], log_probs: Sequence[float], allowed: int) -> None:
        if self.done:
            raise RuntimeError("The episode is over: read `episode`.")
        if len(token_ids) > allowed:
            raise ValueError(f"Expected a turn of at most {allowed} tokens, got {len(token_ids)}.")
        if log_probs and len(log_probs) != len(token_ids):
            raise ValueError(f"Expected {len(token_ids)} log-probabilities, one per token, got {len(log_probs)}.")
