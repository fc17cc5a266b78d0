"""One timer for many deadlines: each is met in its turn, and those that were taken back are not."""

import asyncio

import pytest

from rl_router.pool.deadlines import Deadlines, Within


def test_deadlines_are_met_in_the_order_in_which_they_are_due():
    async def run():
        deadlines, met = Deadlines(), []
        for name, within_s in (("third", 0.06), ("first", 0.02), ("second", 0.04)):
            deadlines.add(within_s, lambda name=name: met.append(name))
        await asyncio.sleep(0.05)
        early = list(met)
        await asyncio.sleep(0.05)
        return early, met

    early, met = asyncio.run(run())
    assert met == ["first", "second", "third"]
    assert "third" not in early or len(early) == 3  # a machine that stood still may meet all at once


def test_a_deadline_that_was_taken_back_is_not_met_and_those_after_it_are():
    async def run():
        deadlines, met = Deadlines(), []
        first = deadlines.add(0.01, lambda: met.append("first"))
        deadlines.add(0.02, lambda: met.append("second"))
        deadlines.take_back(first)
        deadlines.take_back(first)  # once more is no error
        await asyncio.sleep(0.1)
        return met

    assert asyncio.run(run()) == ["second"]


def test_a_deadline_that_has_passed_is_met_at_once_and_one_that_comes_later_after_it():
    async def run():
        deadlines, met = Deadlines(), []
        deadlines.add(-1.0, lambda: met.append("past"))
        await asyncio.sleep(0.01)
        deadlines.add(0.01, lambda: met.append("later"))
        await asyncio.sleep(0.1)
        return met

    assert asyncio.run(run()) == ["past", "later"]


def test_what_takes_longer_than_it_may_is_a_timeout_and_what_does_not_is_none():
    async def run():
        deadlines = Deadlines()
        with Within(deadlines, 60.0):
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError), Within(deadlines, 0.01):
            await asyncio.sleep(60)
        await asyncio.sleep(0)  # the task was not left cancelled
        return "goes on"

    assert asyncio.run(run()) == "goes on"


@pytest.mark.parametrize("within_s", [60.0, 0.0])
def test_a_task_that_somebody_else_cancels_is_cancelled_even_at_the_deadline(within_s):
    async def wait():
        with Within(Deadlines(), within_s):
            await asyncio.sleep(60)

    async def run():
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelled()

    assert asyncio.run(run())


def test_the_inner_of_two_deadlines_ends_only_what_is_inside_it():
    async def run():
        deadlines = Deadlines()
        with Within(deadlines, 60.0):
            with pytest.raises(TimeoutError), Within(deadlines, 0.01):
                await asyncio.sleep(60)
            return "still inside"

    assert asyncio.run(run()) == "still inside"
