"""A lane by itself: places, keys and time."""

import asyncio

import pytest

from rl_router.pool.clock import Clock
from rl_router.pool.keys import KeyRing
from rl_router.pool.lane import Lane


def lane(width=1, keys=("first-key",)):
    return Lane("http://x/v1", KeyRing(keys), width, Clock(chance=lambda: 0.0))


def test_places_are_given_in_the_order_in_which_they_were_asked_for():
    order = []

    async def call(to, number):
        await to.enter(10)
        order.append(number)
        await asyncio.sleep(0)
        to.leave()

    async def run():
        to = lane(width=2)
        await asyncio.gather(*(call(to, number) for number in range(6)))

    asyncio.run(run())
    assert order == list(range(6))


def test_whoever_waits_too_long_for_a_place_gives_up_and_takes_none():
    async def run():
        to = lane()
        await to.enter(10)
        with pytest.raises(TimeoutError, match="no free place in time"):
            await to.enter(0.01)
        to.leave()
        assert await to.enter(0.01) == "first-key"

    asyncio.run(run())


def test_a_rest_that_outlasts_the_time_is_refused_at_once_and_the_place_is_free_again():
    async def run():
        to = lane()
        to.rest("first-key", 3600)
        with pytest.raises(TimeoutError, match="every key rests for 3600 more seconds"):
            await to.enter(10)
        with pytest.raises(TimeoutError, match="every key rests"):
            await to.enter(10)

    asyncio.run(run())


def test_whoever_is_cancelled_while_waiting_or_as_the_place_comes_keeps_no_place():
    async def run():
        to = lane()
        await to.enter(10)
        waiting = [asyncio.create_task(to.enter(10)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        to.leave()  # goes to the second, which is cancelled before it has seen it
        waiting[1].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert await to.enter(0.01) == "first-key"

    asyncio.run(run())
