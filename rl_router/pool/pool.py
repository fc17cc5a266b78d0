"""The pool: named models behind one backend. A bad worker is data, never an exception, and every call is charged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from difflib import get_close_matches

from rl_router.errors import BudgetExceededError, PoolError, UnknownModelError
from rl_router.pool.backend import Backend, DeterministicBackend, Request
from rl_router.pool.budget import Budget
from rl_router.pool.ledger import Ledger, Purpose
from rl_router.pool.spec import ModelSpec, check_names, load_specs
from rl_router.types import Call, CallStatus, ModelReply, Query, Usage

__all__ = ["ModelPool", "load_specs"]

log = logging.getLogger(__name__)


class ModelPool:
    """Answers `call` for the models of `specs`. A live model that takes longer than `timeout_s` has timed out.

    Without a `timeout_s` the backend keeps its own time, as one does that tries again.
    """

    def __init__(self, specs: Iterable[ModelSpec], backend: Backend, timeout_s: float | None = 120.0) -> None:
        self.specs = tuple(specs)
        self.backend = backend
        self.timeout_s = timeout_s
        # once: to ask a protocol costs more than a call's bookkeeping
        self._priced_before = backend if isinstance(backend, DeterministicBackend) else None
        if not self.specs:
            raise PoolError("A pool needs at least one model, and none was given; add one to its YAML.")
        check_names(self.specs, where="pool")
        self._by_name = {spec.name: spec for spec in self.specs}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    @property
    def is_free(self) -> bool:
        """Whether replies cost nothing to look up, as recorded and simulated ones do: see `ask`."""
        return self._priced_before is not None

    def spec(self, name: str) -> ModelSpec:
        if name in self._by_name:
            return self._by_name[name]
        raise UnknownModelError(self._unknown(name))

    def select(self, names: Iterable[str]) -> ModelPool:
        """The pool of these models alone, in this order."""
        return ModelPool([self.spec(name) for name in names], self.backend, self.timeout_s)

    def ask(self, model: str, prompt: str, *, query: Query, max_tokens: int | None = None) -> Call:
        """What `call` would return, charged to nobody. Only for a backend whose replies cost nothing to look up."""
        if self._priced_before is None:
            raise PoolError(f"{type(self.backend).__name__} must be paid for each reply; use `call` with a ledger.")
        request = Request(spec=self.spec(model), prompt=prompt, query=query, max_tokens=max_tokens)
        return _priced(request, self._priced_before.reply(request))

    async def call(
        self,
        model: str,
        prompt: str,
        *,
        query: Query,
        ledger: Ledger,
        budget: Budget | None = None,
        max_tokens: int | None = None,
        purpose: Purpose = "worker",
    ) -> Call:
        """One call of `prompt` alone, every attempt of it charged to `ledger` and `budget`. See `send`."""
        if model not in self._by_name:
            call = _refusal(model, prompt, CallStatus.UNKNOWN_MODEL, self._unknown(model))
            self._charge(ledger, call, purpose)
            return call
        request = Request(spec=self._by_name[model], prompt=prompt, query=query, max_tokens=max_tokens)
        return await self.send(request, ledger=ledger, budget=budget, purpose=purpose)

    async def send(
        self, request: Request, *, ledger: Ledger, budget: Budget | None = None, purpose: Purpose = "worker"
    ) -> Call:
        """One call, every attempt of it charged to `ledger` and `budget`. The status of its reply says how it ended.

        Only a PoolError passes through, above all the NotRecordedError of a replay: it means that the experiment is
        wrong, not that a model is bad.
        """
        call = await self._pay(request, budget)
        self._charge(ledger, call, purpose)
        return call

    def _charge(self, ledger: Ledger, call: Call, purpose: Purpose) -> None:
        reply = call.reply
        for attempt in reply.earlier:
            usage = attempt.usage or Usage()
            ledger.charge(
                model=call.model, usage=usage, cost_usd=self._by_name[call.model].price(usage), purpose=purpose,
                from_cache=reply.from_cache, status=attempt.status, usage_known=attempt.usage is not None,
            )  # fmt: skip
        ledger.charge(
            model=call.model, usage=reply.usage, cost_usd=call.cost_usd, purpose=purpose, from_cache=reply.from_cache,
            status=reply.status, usage_known=reply.usage_known,
        )  # fmt: skip

    async def _pay(self, request: Request, budget: Budget | None) -> Call:
        if self._priced_before is not None:
            call = _priced(request, await self._complete(request))
            try:
                if budget is not None:
                    budget.spend(call.cost_usd)
            except BudgetExceededError as error:
                return _refusal(request.spec.name, request.prompt, CallStatus.OVER_BUDGET, str(error))
            return call
        # The price of a live reply is known only once it is paid, so an empty budget is all that can refuse it.
        if budget is not None and budget.left_usd <= 0:
            reason = f"The {budget.name} budget is spent; no call was made."
            return _refusal(request.spec.name, request.prompt, CallStatus.OVER_BUDGET, reason)
        call = _priced(request, await self._complete(request))
        if budget is not None:
            budget.settle(call.cost_usd + retries_usd(request.spec, call.reply))
        return call

    async def _complete(self, request: Request) -> ModelReply:
        name = request.spec.name
        try:
            if self.timeout_s is None:
                return await self.backend.complete(request)
            async with asyncio.timeout(self.timeout_s):
                return await self.backend.complete(request)
        except PoolError:
            raise
        except TimeoutError:
            within = "in time" if self.timeout_s is None else f"within {self.timeout_s:g} seconds"
            text = f"{name} did not answer {within}."
            return ModelReply(model=name, text=text, status=CallStatus.TIMEOUT)
        except Exception as error:  # whatever a worker does must not end a training step
            log.warning("A call to %s failed.", name, exc_info=True)
            return ModelReply(model=name, text=f"{name} failed: {error!r}.", status=CallStatus.FAILED)

    def _unknown(self, name: str) -> str:
        close = get_close_matches(name, self.names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else "choose one of these."
        return f"There is no model {name!r} in the pool of {', '.join(self.names)}; {hint}"


def retries_usd(spec: ModelSpec, reply: ModelReply) -> float:
    """What the attempts before the reply cost, as far as their tokens are known."""
    return sum(spec.price(attempt.usage) for attempt in reply.earlier if attempt.usage is not None)


def _priced(request: Request, reply: ModelReply) -> Call:
    """A price that the source recorded counts; otherwise the spec prices the tokens."""
    cost_usd = request.spec.price(reply.usage) if reply.cost_usd is None else reply.cost_usd
    return Call(model=request.spec.name, query=request.prompt, reply=reply, cost_usd=cost_usd)


def _refusal(model: str, prompt: str, status: CallStatus, reason: str) -> Call:
    return Call(model=model, query=prompt, reply=ModelReply(model=model, text=reason, status=status), cost_usd=0.0)
