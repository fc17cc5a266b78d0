import pytest

from rl_router.pool.ledger import Ledger
from rl_router.types import CallStatus, Usage


def test_an_empty_ledger_is_zero():
    ledger = Ledger()
    assert (ledger.cost_usd, ledger.wallet_usd, ledger.usage, ledger.by_model()) == (0, 0, Usage(), {})


def test_failed_calls_and_the_routers_own_tokens_are_charged():
    ledger = Ledger()
    ledger.charge(model="mini", usage=Usage(prompt_tokens=10, completion_tokens=2), cost_usd=0.25)
    ledger.charge(model="mini", usage=Usage(prompt_tokens=10), cost_usd=0.125, status=CallStatus.FAILED)
    ledger.charge(model="policy", usage=Usage(completion_tokens=5), cost_usd=0.5, purpose="router")
    assert ledger.cost_usd == pytest.approx(0.875)
    assert ledger.usage == Usage(prompt_tokens=20, completion_tokens=7)
    assert [c.status for c in ledger.charges] == [CallStatus.OK, CallStatus.FAILED, CallStatus.OK]
    assert [c.purpose for c in ledger.charges] == ["worker", "worker", "router"]


def test_a_cache_hit_costs_the_episode_its_price_and_the_wallet_nothing():
    ledger = Ledger()
    ledger.charge(model="mini", usage=Usage(prompt_tokens=10), cost_usd=0.25)
    ledger.charge(model="mini", usage=Usage(prompt_tokens=10), cost_usd=0.25, from_cache=True)
    assert (ledger.cost_usd, ledger.wallet_usd) == (0.5, 0.25)


def test_totals_per_model_come_in_the_order_of_first_use():
    ledger = Ledger()
    for model, cost_usd in (("mini", 0.25), ("big", 2.0), ("mini", 0.5)):
        ledger.charge(model=model, usage=Usage(completion_tokens=3), cost_usd=cost_usd)
    totals = ledger.by_model()
    assert list(totals) == ["mini", "big"]
    assert (totals["mini"].calls, totals["mini"].cost_usd, totals["mini"].usage.completion_tokens) == (2, 0.75, 6)
