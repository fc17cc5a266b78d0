"""The live backend with a scripted client and a clock that only moves when somebody sleeps."""

import asyncio

import pytest

from rl_router.pool.backend import Request
from rl_router.pool.client import Outcome, failure, http_failure
from rl_router.pool.clock import Clock
from rl_router.pool.keys import KeyRing, Mask
from rl_router.pool.lane import Lane
from rl_router.pool.ledger import Ledger
from rl_router.pool.live import LiveBackend, Patience
from rl_router.pool.pool import ModelPool
from rl_router.pool.retry import Retry
from rl_router.pool.spec import ModelSpec
from rl_router.types import Attempt, CallStatus, ModelReply, Query, Usage

QUERY = Query(query_id="q", text="hello", answers=(), task="t")
SPEC = ModelSpec(name="m", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)
OK = Outcome(reply=ModelReply(model="m", text="hi", usage=Usage(prompt_tokens=1000, completion_tokens=500)))
TWO_THOUSAND = Usage(prompt_tokens=2000)
BUSY = http_failure("m", 503, "busy")
PAID_AND_BROKEN = Outcome(reply=failure("m", CallStatus.FAILED, "broke", usage=TWO_THOUSAND), retry=True)
LOST = Outcome(reply=failure("m", CallStatus.FAILED, "broke", usage=None), retry=True)


class Script:
    """Gives outcomes in order and remembers the keys."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes, self.keys = list(outcomes), []

    async def attempt(self, request: Request, url: str, key: str | None) -> Outcome:
        self.keys.append(key)
        return self.outcomes.pop(0)

    async def close(self) -> None: ...


class Hands:
    """A clock that stands still but for sleeps."""

    def __init__(self, chance: float = 1.0) -> None:
        self.now_s, self.slept = 0.0, []
        self.clock = Clock(now_s=lambda: self.now_s, sleep=self.sleep, chance=lambda: chance)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


class Hears:
    """What a live backend tells of its attempts, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def sent(self, request: Request) -> None:
        self.told.append("sent")

    def charge(self, request: Request, reply: ModelReply) -> None:
        self.told.append(reply.status.value)


def backend(script, hands, *, keys=(), attempts=4, patience=None, hears=None):
    lane = Lane("http://x/v1", KeyRing(keys), 2, hands.clock)
    return LiveBackend(
        script, {"m": lane}, retry=Retry(attempts=attempts, base_s=1.0), patience=patience or Patience(),
        mask=Mask(keys), clock=hands.clock, attempts=hears,
    )  # fmt: skip


def complete(live: LiveBackend) -> ModelReply:
    return asyncio.run(live.complete(Request(spec=SPEC, prompt="hello", query=QUERY)))


def test_a_busy_server_is_asked_again_after_waits_that_double():
    hands = Hands()
    reply = complete(backend(Script(BUSY, BUSY, OK), hands))
    assert (reply.text, hands.slept) == ("hi", [1.0, 2.0])
    assert [attempt.status for attempt in reply.earlier] == [CallStatus.FAILED, CallStatus.FAILED]


def test_after_the_last_attempt_the_failure_is_the_reply():
    reply = complete(backend(Script(BUSY, BUSY), Hands(), attempts=2))
    assert (reply.status, len(reply.earlier)) == (CallStatus.FAILED, 1)


def test_what_was_refused_is_not_asked_again():
    script = Script(http_failure("m", 400, "no"), OK)
    assert complete(backend(script, Hands())).status is CallStatus.REJECTED
    assert len(script.outcomes) == 1


def test_an_empty_account_is_no_rate_limit():
    outcome = http_failure("m", 429, "insufficient_quota: you exceeded your current quota")
    assert (outcome.reply.status, outcome.retry) == (CallStatus.REJECTED, False)


def test_a_limited_key_rests_and_the_next_one_asks_at_once():
    hands, script = Hands(), Script(http_failure("m", 429, "slow", 30.0), OK)
    assert complete(backend(script, hands, keys=("first-key", "second-key"))).text == "hi"
    assert (script.keys, hands.slept) == (["first-key", "second-key"], [])


def test_with_one_key_everybody_waits_as_long_as_the_server_says_and_a_little_longer():
    hands, script = Hands(chance=0.5), Script(http_failure("m", 429, "slow", 30.0), OK)
    complete(backend(script, hands, keys=("only-key-here",)))
    assert hands.slept == [pytest.approx(31.5)]  # 30 · (1 + 0.1 · 0.5)


def test_a_wait_that_would_pass_the_total_time_ends_the_call():
    script = Script(http_failure("m", 429, "slow", 1000.0), OK)
    reply = complete(backend(script, Hands(), patience=Patience(total_s=60.0)))
    assert reply.status is CallStatus.RATE_LIMITED


def test_a_server_that_hangs_is_a_timeout_that_may_have_cost():
    class Hangs(Script):
        async def attempt(self, request: Request, url: str, key: str | None) -> Outcome:
            await asyncio.sleep(60)
            return OK

    reply = complete(backend(Hangs(), Hands(), patience=Patience(call_s=0.01)))
    assert (reply.status, reply.usage_known) == (CallStatus.TIMEOUT, False)


def test_every_attempt_is_in_the_ledger_with_its_price_and_the_unknown_one_is_marked():
    hears = Hears()
    live = backend(Script(PAID_AND_BROKEN, LOST, OK), Hands(), hears=hears)
    ledger = Ledger()
    pool = ModelPool([SPEC], live, None)
    call = asyncio.run(pool.call("m", "hello", query=QUERY, ledger=ledger))
    # 2000 input tokens of a failure, an attempt that nobody can price, then 1000 in and 500 out
    assert [(c.cost_usd, c.usage_known) for c in ledger.charges] == [(0.002, True), (0.0, False), (0.002, True)]
    assert call.cost_usd == 0.002 and ledger.cost_usd == ledger.wallet_usd == 0.004
    assert call.reply.earlier[1] == Attempt(status=CallStatus.FAILED, usage=None, reason="broke")
    assert hears.told == ["sent", "failed", "sent", "failed", "sent", "ok"]


def test_a_lane_lets_no_more_through_than_it_is_wide():
    at_once, most = 0, 0

    class Counts(Script):
        async def attempt(self, request: Request, url: str, key: str | None) -> Outcome:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1
            return OK

    async def many() -> None:
        live = backend(Counts(), Hands())
        await asyncio.gather(*(live.complete(Request(spec=SPEC, prompt="x", query=QUERY)) for _ in range(9)))

    asyncio.run(many())
    assert most == 2
