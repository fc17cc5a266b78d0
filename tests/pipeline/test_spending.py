import asyncio

import pytest

from rl_router.pipeline.spending import Spending, most_usd
from rl_router.pool.backend import Request
from rl_router.pool.spec import ModelSpec
from rl_router.types import Query

SPEC = ModelSpec(name="m", input_usd_per_mtok=1.0, output_usd_per_mtok=10.0)


def test_the_most_that_a_call_can_cost_is_a_token_per_byte_and_the_whole_limit():
    request = Request(
        spec=SPEC, prompt="naïve", query=Query(query_id="q", text="", answers=(), task=""), max_tokens=100
    )
    # 6 bytes and 64 tokens around them at 1 USD per million, 100 at 10 USD
    assert most_usd(request) == pytest.approx((70 * 1 + 100 * 10) / 1e6)


def test_a_call_waits_for_those_in_flight_and_is_refused_when_there_are_none():
    async def run():
        spending = Spending(1.0, spent_usd=0.25)
        assert await spending.set_aside(0.5)
        second = asyncio.create_task(spending.set_aside(0.5))  # 0.25 + 0.5 + 0.5 is too much, for now
        await asyncio.sleep(0)
        assert not second.done()
        spending.settle(0.5, paid_usd=0.125)  # the first cost less than was set aside: 0.375 + 0.5 fits
        assert await second
        spending.settle(0.5, paid_usd=0.5)
        assert not await spending.set_aside(0.25)  # 0.875 spent, nobody in flight
        return spending.spent_usd

    assert asyncio.run(run()) == 0.875


def test_without_a_limit_nothing_waits():
    async def run():
        spending = Spending(None, spent_usd=0.0)
        assert all([await spending.set_aside(1e9) for _ in range(3)])
        spending.settle(1e9, paid_usd=2.0)
        return spending.spent_usd

    assert asyncio.run(run()) == 2.0
