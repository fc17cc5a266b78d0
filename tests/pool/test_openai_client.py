"""The OpenAI-compatible client against a server that speaks real HTTP, and all that such a server can do wrong."""

import asyncio

import pytest
from loopback import Faults, LoopbackServer, usage_of

from rl_router.pool.backend import Request
from rl_router.pool.client import Outcome
from rl_router.pool.clock import Clock
from rl_router.pool.keys import Mask
from rl_router.pool.openai_client import OpenAIClient
from rl_router.pool.spec import ModelSpec
from rl_router.types import CallStatus, Query, Usage

QUERY = Query(query_id="q1", text="one two three four five", answers=("5",), task="count")
KEY = "sk-planted-0123456789"


def attempt(server: LoopbackServer, *, stream: bool = False, key: str | None = KEY) -> Outcome:
    spec = ModelSpec(name="mini", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)
    request = Request(spec=spec, prompt=QUERY.text, query=QUERY, max_tokens=100)

    async def ask() -> Outcome:
        async with OpenAIClient(stream=stream, mask=Mask((KEY,)), clock=Clock()) as client:
            return await client.attempt(request, server.url, key)

    return asyncio.run(ask())


def one(kind: str) -> Faults:
    return Faults(share=1.0, kinds=(kind,))


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_comes_with_its_tokens_cached_and_reasoning_ones_too(stream):
    with LoopbackServer(answer=lambda model, prompt: "it is five, naïvely") as server:
        reply = attempt(server, stream=stream).reply
    tokens = usage_of("mini", QUERY.text, {"max_tokens": 100})
    assert (reply.status, reply.text, reply.finish_reason) == (CallStatus.OK, "it is five, naïvely", "stop")
    assert reply.usage == server.billed["mini"]
    assert reply.usage == Usage(
        prompt_tokens=12,
        cached_tokens=4,
        completion_tokens=tokens["completion_tokens"],
        reasoning_tokens=tokens["completion_tokens"] // 4,
    )
    assert reply.latency_s > 0


def test_the_request_has_the_models_name_the_prompt_and_the_limit_and_the_key_is_in_the_header():
    with LoopbackServer() as server:
        attempt(server)
    assert server.bodies == [
        {"model": "mini", "messages": [{"role": "user", "content": QUERY.text}], "max_tokens": 100}
    ]
    assert server.keys == {KEY: 1}


@pytest.mark.parametrize(
    ("kind", "stream", "status", "retry", "usage_known", "says"),
    [
        ("limit", False, CallStatus.RATE_LIMITED, True, True, "HTTP 429, slow down"),
        ("busy", False, CallStatus.FAILED, True, True, "HTTP 503, Bad gateway nginx"),
        ("gone", False, CallStatus.FAILED, True, False, "the connection broke"),
        ("half", False, CallStatus.FAILED, True, False, "the connection broke"),
        ("half", True, CallStatus.FAILED, True, False, "the connection broke"),
        ("refuse", False, CallStatus.REJECTED, False, True, "HTTP 400"),
        ("html", False, CallStatus.UNREADABLE, False, False, "the body is not JSON: Bad gateway nginx"),
        ("cut_json", False, CallStatus.UNREADABLE, False, False, "the body is not JSON"),
        ("thinks_on", False, CallStatus.TRUNCATED, False, True, "spent all its tokens"),
        ("thinks_on", True, CallStatus.TRUNCATED, False, True, "spent all its tokens"),
    ],
)
def test_every_fault_is_a_status_and_a_reason(kind, stream, status, retry, usage_known, says):
    with LoopbackServer(faults=one(kind)) as server:
        outcome = attempt(server, stream=stream)
    assert (outcome.reply.status, outcome.retry, outcome.reply.usage_known) == (status, retry, usage_known)
    assert says in outcome.reply.text
    assert "\n" not in outcome.reply.text and len(outcome.reply.text) < 300


@pytest.mark.parametrize("stream", [False, True])
def test_a_body_that_breaks_after_its_count_is_a_failure_that_is_paid_for(stream):
    with LoopbackServer(faults=one("cut_after_usage")) as server:
        outcome = attempt(server, stream=stream)
    assert (outcome.reply.status, outcome.retry) == (CallStatus.FAILED, True)
    assert outcome.reply.usage == server.billed["mini"] != Usage()
    assert outcome.reply.usage_known


def test_a_retry_after_reaches_whoever_waits():
    with LoopbackServer(faults=Faults(share=1.0, kinds=("limit",), retry_after="7")) as server:
        assert attempt(server).retry_after_s == 7.0


def test_nobody_at_the_port_is_a_failure_that_cost_nothing():
    server = LoopbackServer()
    server.port = 9  # discard: nobody listens
    outcome = attempt(server)
    assert (outcome.reply.status, outcome.retry, outcome.reply.usage_known) == (CallStatus.FAILED, True, True)
    assert "the connection failed" in outcome.reply.text


@pytest.mark.parametrize("kind", ["", "refuse", "limit"])
def test_a_key_that_a_server_echoes_is_masked(kind):
    with LoopbackServer(faults=one(kind) if kind else Faults(), echo_key=True) as server:
        reply = attempt(server).reply
    assert KEY not in reply.text and "***" in reply.text
