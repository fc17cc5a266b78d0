"""A pool as a recipe states it, opened and asked over real HTTP."""

import asyncio
import json
import time

import pytest
from loopback import Faults, LoopbackServer

from rl_router.errors import PoolError
from rl_router.pool.backend import Request
from rl_router.pool.ledger import Ledger
from rl_router.pool.live_pool import LivePool, open_pool
from rl_router.types import CallStatus, Query

KEYS = ("sk-first-0123456789", "sk-other-0123456789")
ENVIRONMENT = {"API_KEYS": ",".join(KEYS)}


@pytest.fixture
def setting(tmp_path):
    """A pool of one model at `url`, which a test may change."""

    def made(url, **changes):
        path = tmp_path / "pool.yaml"
        model = {"name": "mini", "input_usd_per_mtok": 1, "output_usd_per_mtok": 2} | changes.pop("model", {})
        path.write_text(json.dumps({"models": [model]}))
        return LivePool(**{"file": str(path), "mode": "live", "endpoint": url, "backoff_s": 0.02} | changes)

    return made


def ask(setting, times=1, environment=ENVIRONMENT):
    """The calls of `times` questions asked at once."""

    async def run():
        async with asyncio.timeout(30), open_pool(setting, environment) as opened:
            [spec] = opened.pool.specs
            questions = [Query(query_id=str(i), text=f"question {i}", answers=(), task="t") for i in range(times)]
            requests = [Request(spec=spec, prompt=q.text, query=q) for q in questions]
            return await asyncio.gather(*(opened.pool.send(request, ledger=Ledger()) for request in requests))

    return asyncio.run(run())


@pytest.mark.parametrize("stream", [False, True])
def test_calls_are_spread_over_the_keys_and_no_more_are_out_than_the_endpoint_may_have(setting, stream):
    with LoopbackServer(latency_s=0.02) as server:
        calls = ask(setting(server.url, concurrency=4, stream=stream), times=20)
    assert [call.reply.status for call in calls] == [CallStatus.OK] * 20
    assert server.keys == {KEYS[0]: 10, KEYS[1]: 10}
    assert server.most_at_once == 4


def test_a_key_at_its_limit_rests_and_every_call_is_answered_at_last(setting):
    with LoopbackServer(latency_s=0.02, limit_of_key=1, faults=Faults(retry_after="0.05")) as server:
        calls = ask(setting(server.url, concurrency=6, attempts=50), times=12)
    assert [call.reply.status for call in calls] == [CallStatus.OK] * 12
    limited = [attempt.status for call in calls for attempt in call.reply.earlier]
    assert limited and set(limited) == {CallStatus.RATE_LIMITED}
    assert server.requests == 12 + len(limited) < 70  # about 30; keys that did not rest would be refused over 100 times


def test_no_call_goes_out_before_the_time_that_the_server_named(setting):
    with LoopbackServer(faults=Faults(share=1.0, kinds=("limit",), tries=1, retry_after="0.4")) as server:
        began_s = time.monotonic()
        [call] = ask(setting(server.url), environment={"API_KEYS": KEYS[0]})
        assert time.monotonic() - began_s >= 0.4
    assert (call.reply.status, len(call.reply.earlier)) == (CallStatus.OK, 1)


def test_the_total_time_ends_a_call_that_could_be_tried_for_ever(setting):
    with LoopbackServer(faults=Faults(share=1.0, kinds=("busy",), tries=10_000)) as server:
        [call] = ask(setting(server.url, attempts=10_000, backoff_cap_s=0.1, total_timeout_s=0.5))
    assert call.reply.status is CallStatus.FAILED
    assert 2 < server.requests == 1 + len(call.reply.earlier) < 500


def test_a_server_that_hangs_is_left_after_the_time_of_a_call_and_may_have_billed_it(setting):
    with LoopbackServer(faults=Faults(share=1.0, kinds=("hang",))) as server:
        [call] = ask(setting(server.url, call_timeout_s=0.1))
    assert (call.reply.status, call.reply.usage_known, server.requests) == (CallStatus.TIMEOUT, False, 1)


def test_a_model_that_only_reasons_is_truncated_and_paid_for(setting):
    with LoopbackServer(faults=Faults(share=1.0, kinds=("thinks_on",))) as server:
        [call] = ask(setting(server.url))
    assert (call.reply.status, call.reply.finish_reason) == (CallStatus.TRUNCATED, "length")
    assert call.reply.usage == server.billed["mini"] and call.reply.usage.reasoning_tokens > 0
    assert call.cost_usd == pytest.approx(server.cost_usd({"mini": (1, 1, 2)})) and call.cost_usd > 0


def test_a_models_own_endpoint_comes_before_the_pools(setting):
    with LoopbackServer() as own, LoopbackServer() as default:
        ask(setting(default.url, model={"endpoint": own.url}))
        assert (own.requests, default.requests) == (1, 0)
        ask(setting(default.url))
        assert (own.requests, default.requests) == (1, 1)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (None, "Model 'mini' has no endpoint"),
        ("llm.example/v1", "write a URL such as"),
        ("http://naïve.example/v1", "write a URL such as"),
        ("https://me:secret@llm.example/v1", "has a user name in it"),
    ],
)
def test_an_endpoint_that_cannot_be_asked_is_refused_without_showing_a_secret(setting, url, says):
    with pytest.raises(PoolError, match=says) as caught:
        setting(url).specs()
    assert "secret" not in str(caught.value)
