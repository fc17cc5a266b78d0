"""litellm against the same server: its errors become the same outcomes, and a key stays where it belongs."""

import asyncio

import pytest
from loopback import Faults, LoopbackServer

from rl_router.pool.backend import Request, Sampling
from rl_router.pool.clock import Clock
from rl_router.pool.keys import Mask
from rl_router.pool.spec import ModelSpec
from rl_router.types import CallStatus, Query

pytest.importorskip("litellm")
QUERY = Query(query_id="q1", text="one two three four five", answers=("5",), task="count")
KEY = "sk-planted-0123456789"


def attempt(server, *, stream=False):
    from rl_router.pool.litellm_client import LiteLLMClient

    spec = ModelSpec(name="mini", litellm_model="openai/mini", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)
    request = Request(spec=spec, prompt=QUERY.text, query=QUERY, max_tokens=100, sampling=Sampling(temperature=0.0))

    async def ask():
        client = LiteLLMClient(stream=stream, mask=Mask((KEY,)), clock=Clock())
        try:
            return await asyncio.wait_for(client.attempt(request, server.url, KEY), 30)
        finally:
            await client.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_comes_with_its_tokens(stream):
    with LoopbackServer(answer=lambda model, prompt: "it is five") as server:
        reply = attempt(server, stream=stream).reply
    assert (reply.status, reply.text, reply.finish_reason) == (CallStatus.OK, "it is five", "stop")
    assert reply.usage == server.billed["mini"]
    assert server.keys == {KEY: 1}


@pytest.mark.parametrize(
    ("kind", "status", "retry"),
    [
        ("limit", CallStatus.RATE_LIMITED, True),
        ("busy", CallStatus.FAILED, True),
        ("gone", CallStatus.FAILED, True),
        ("refuse", CallStatus.REJECTED, False),
        ("thinks_on", CallStatus.TRUNCATED, False),
    ],
)
def test_every_fault_is_a_status_and_litellm_does_not_retry_by_itself(kind, status, retry):
    with LoopbackServer(faults=Faults(share=1.0, kinds=(kind,), tries=9), echo_key=True) as server:
        outcome = attempt(server)
    assert (outcome.reply.status, outcome.retry) == (status, retry), outcome
    assert server.requests == 1
    assert KEY not in outcome.reply.text


@pytest.mark.parametrize(
    ("kind", "stream", "status", "retry"),
    [
        ("html", False, CallStatus.UNREADABLE, False),
        ("html", True, CallStatus.UNREADABLE, False),
        ("cut_json", False, CallStatus.UNREADABLE, False),
        ("half", False, CallStatus.FAILED, True),
        ("half", True, CallStatus.FAILED, True),
    ],
)
def test_what_is_no_reply_may_have_been_billed(kind, stream, status, retry):
    with LoopbackServer(faults=Faults(share=1.0, kinds=(kind,))) as server:
        outcome = attempt(server, stream=stream)
    assert (outcome.reply.status, outcome.retry, outcome.reply.usage_known) == (status, retry, False), outcome
    assert len(outcome.reply.text) < 300
