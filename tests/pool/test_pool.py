import asyncio

import pytest

from rl_router.errors import NotRecordedError, PoolError, UnknownModelError
from rl_router.pool.backend import Request
from rl_router.pool.budget import Budget
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.types import Call, CallStatus, ModelReply, Query, Usage

QUERY = Query(query_id="q1", text="1 + 1?", answers=("2",), task="sum")
SPECS = (
    ModelSpec(name="mini", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0),
    ModelSpec(name="maxi", input_usd_per_mtok=10.0, output_usd_per_mtok=20.0),
)
THOUSAND = Usage(prompt_tokens=1000, completion_tokens=500)  # mini: (1000 + 2 × 500) / 1e6 = 0.002 USD; maxi: 0.02


class Live:
    """A backend that must be paid: it returns what it was given, or raises it."""

    def __init__(self, outcome: ModelReply | Exception, delay_s: float = 0.0) -> None:
        self.outcome, self.delay_s, self.requests = outcome, delay_s, []

    async def complete(self, request: Request) -> ModelReply:
        self.requests.append(request)
        await asyncio.sleep(self.delay_s)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Sums:
    """A deterministic backend: the same two thousandths of a dollar per call to mini."""

    async def complete(self, request: Request) -> ModelReply:
        return self.reply(request)

    def reply(self, request: Request) -> ModelReply:
        return ModelReply(model=request.spec.name, text="2", usage=THOUSAND)


def call(pool: ModelPool, model: str = "mini", budget: Budget | None = None) -> tuple[Call, Ledger]:
    ledger = Ledger()
    return asyncio.run(pool.call(model, "1 + 1?", query=QUERY, ledger=ledger, budget=budget, max_tokens=64)), ledger


def test_a_call_is_priced_by_its_tokens_and_charged():
    made, ledger = call(ModelPool(SPECS, Sums()), "maxi")
    assert (made.model, made.query, made.reply.text) == ("maxi", "1 + 1?", "2")
    assert made.cost_usd == ledger.cost_usd == ledger.wallet_usd == pytest.approx(0.02)
    assert ledger.usage == THOUSAND


def test_the_backend_gets_the_whole_request():
    backend = Live(ModelReply(model="mini", text="2"))
    call(ModelPool(SPECS, backend))
    assert backend.requests == [Request(spec=SPECS[0], prompt="1 + 1?", query=QUERY, max_tokens=64)]


def test_a_recorded_price_counts_before_the_spec():
    made, ledger = call(ModelPool(SPECS, Live(ModelReply(model="mini", text="2", usage=THOUSAND, cost_usd=0.5))))
    assert made.cost_usd == ledger.cost_usd == 0.5


def test_a_cache_hit_is_free_for_the_wallet_alone():
    reply = ModelReply(model="mini", text="2", usage=THOUSAND, from_cache=True)
    _, ledger = call(ModelPool(SPECS, Live(reply)))
    assert (ledger.cost_usd, ledger.wallet_usd) == (pytest.approx(0.002), 0.0)


def test_an_unknown_name_is_a_free_reply_that_names_the_pool():
    made, ledger = call(ModelPool(SPECS, Sums()), "minni")
    assert (made.reply.status, made.cost_usd) == (CallStatus.UNKNOWN_MODEL, 0.0)
    assert made.reply.text == "There is no model 'minni' in the pool of mini, maxi; did you mean mini?"
    assert [c.status for c in ledger.charges] == [CallStatus.UNKNOWN_MODEL]


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("boom"), CallStatus.FAILED), (TimeoutError(), CallStatus.TIMEOUT)]
)
def test_an_error_of_the_backend_becomes_a_reply_and_a_charge(error, status):
    made, ledger = call(ModelPool(SPECS, Live(error)))
    assert (made.reply.status, made.cost_usd) == (status, 0.0)
    assert [c.status for c in ledger.charges] == [status]


def test_a_model_that_takes_too_long_has_timed_out():
    made, _ = call(ModelPool(SPECS, Live(ModelReply(model="mini", text="late"), delay_s=5.0), timeout_s=0.01))
    assert made.reply.status is CallStatus.TIMEOUT
    assert made.reply.text == "mini did not answer within 0.01 seconds."


def test_a_failed_call_that_used_tokens_is_paid_for():
    reply = ModelReply(model="mini", text="", usage=THOUSAND, status=CallStatus.RATE_LIMITED)
    made, ledger = call(ModelPool(SPECS, Live(reply)))
    assert made.reply.status is CallStatus.RATE_LIMITED
    assert ledger.cost_usd == pytest.approx(0.002)


def test_what_was_not_recorded_passes_through():
    with pytest.raises(NotRecordedError):
        call(ModelPool(SPECS, Live(NotRecordedError("nothing"))))


def test_a_call_whose_price_is_known_is_refused_before_it_overdraws():
    budget = Budget(0.005, "episode")
    pool = ModelPool(SPECS, Sums())
    statuses = [call(pool, budget=budget)[0].reply.status for _ in range(3)]
    assert statuses == [CallStatus.OK, CallStatus.OK, CallStatus.OVER_BUDGET]  # 0.002 each
    refused, ledger = call(pool, "maxi", budget)
    assert (refused.cost_usd, ledger.cost_usd, budget.spent_usd) == (0.0, 0.0, 0.004)
    assert "episode budget" in refused.reply.text


def test_a_live_reply_is_paid_even_past_the_limit_and_the_next_call_is_refused():
    backend = Live(ModelReply(model="mini", text="2", usage=THOUSAND))
    pool, budget = ModelPool(SPECS, backend), Budget(0.001, "episode")
    assert call(pool, budget=budget)[0].reply.status is CallStatus.OK
    assert budget.spent_usd == pytest.approx(0.002)
    assert call(pool, budget=budget)[0].reply.status is CallStatus.OVER_BUDGET
    assert len(backend.requests) == 1


def test_asking_charges_nobody_and_needs_a_deterministic_backend():
    assert ModelPool(SPECS, Sums()).ask("mini", "1 + 1?", query=QUERY).cost_usd == pytest.approx(0.002)
    with pytest.raises(PoolError, match="Live must be paid for each reply"):
        ModelPool(SPECS, Live(ModelReply(model="mini", text="2"))).ask("mini", "1 + 1?", query=QUERY)


def test_a_spec_is_found_by_its_name_or_close_matches_are_named():
    pool = ModelPool(SPECS, Sums())
    assert pool.names == ("mini", "maxi")
    assert pool.spec("maxi") is SPECS[1]
    with pytest.raises(UnknownModelError, match="did you mean maxi"):
        pool.spec("maxii")


def test_a_selection_keeps_the_order_asked_for():
    assert ModelPool(SPECS, Sums()).select(["maxi"]).names == ("maxi",)
    with pytest.raises(UnknownModelError):
        ModelPool(SPECS, Sums()).select(["other"])


def test_a_pool_has_models_and_no_two_of_one_name():
    with pytest.raises(PoolError, match="at least one model"):
        ModelPool((), Sums())
    with pytest.raises(PoolError, match="two models named 'mini'"):
        ModelPool((SPECS[0], SPECS[0]), Sums())
