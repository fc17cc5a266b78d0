"""The world over HTTP is the world, and each fault that it sends is one that is counted."""

import asyncio
from collections import Counter

import pytest

from rl_router.episode.world_task import WorldTask
from rl_router.evaluation.faults.server import FAULTS, WorldServer
from rl_router.pool.ledger import Ledger
from rl_router.pool.live_pool import LivePool

SMALL = {"n_train": 60, "n_val": 1, "n_test": 1}


def asked(server, attempts=1):
    """All training questions to the model titan, all at once."""
    served = LivePool(
        file="world", mode="live", endpoint=server.url, concurrency=64, call_timeout_s=6.0, attempts=attempts,
        backoff_s=0.01,
    )  # fmt: skip
    task, ledger = WorldTask(served=served, **SMALL).build(), Ledger()

    async def all_of_them():
        calls = [task.pool.call("titan", q.text, query=q, ledger=ledger) for q in task.train]
        return await asyncio.gather(*calls)

    return asyncio.run(all_of_them())


@pytest.fixture
def simulated():
    return WorldTask(**SMALL).build()


@pytest.mark.timeout(60)
def test_an_undisturbed_server_answers_and_charges_as_the_simulation_does(simulated):
    with WorldServer(simulated.pool) as server:
        calls = asked(server)
    expected = [simulated.pool.ask("titan", q.text, query=q) for q in simulated.train]
    assert [c.reply.text for c in calls] == [c.reply.text for c in expected]
    assert [c.cost_usd for c in calls] == pytest.approx([c.cost_usd for c in expected])
    assert server.counts == {"none": 60}


@pytest.mark.timeout(60)
def test_each_fault_is_seen_as_what_it_is(simulated):
    with WorldServer(simulated.pool, share=1.0) as server:
        calls = asked(server)
    found = Counter(str(c.reply.status) for c in calls)
    assert all(server.counts[fault] > 0 for fault in FAULTS) and server.counts.total() == 60
    for fault in ("timeout", "rate_limited", "unreadable"):
        assert found[fault] == server.counts[fault], fault
    assert sum("<answer>" in c.reply.text for c in calls) == server.counts["tags"]
    assert sum(len(c.reply.text) > 1_000_000 for c in calls) == server.counts["megabyte"]


@pytest.mark.timeout(60)
def test_a_limit_that_a_second_try_got_past_is_still_known(simulated):
    with WorldServer(simulated.pool, share=0.5) as server:
        calls = asked(server, attempts=3)
    limits = sum(c.reply.status == "rate_limited" for c in calls)
    limits += sum(attempt.status == "rate_limited" for c in calls for attempt in c.reply.earlier)
    assert limits == server.counts["rate_limited"] > 0
