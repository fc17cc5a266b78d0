"""A policy behind the gateway: an untrained tiny one over the simulated pool, so what it says is garbage, but whole."""

import asyncio
import json
import time

import httpx
import pytest

pytest.importorskip("torch")

from rl_router.serving.background import gateway_in_background
from rl_router.serving.job import ServeJob
from rl_router.serving.policy import best_so_far
from rl_router.serving.request_text import conversation_text
from rl_router.serving.upstream import DEADLINE
from rl_router.types import Call, CallStatus, Episode, Mode, ModelReply, Query, StopReason, Usage

CHAT = [{"role": "user", "content": "2 + 2"}]


@pytest.fixture(scope="module")
def url(policy_run):
    job = ServeJob(pool="world", backend="simulated", routers={"tiny": policy_run}, port=0)
    with gateway_in_background(job, {}) as running:
        yield running.url


def ask(url, **body):
    return httpx.post(f"{url}/chat/completions", json={"model": "auto", "messages": CHAT} | body, timeout=60)


@pytest.mark.parametrize("name", ["auto", "router-tool-rl", "rl-router/tiny"])
def test_every_name_of_the_policy_answers_with_its_calls_and_its_stop(url, name):
    answer = ask(url, model=name, cost_weight=0.25)
    assert answer.status_code == 200, answer.text
    metadata = answer.json()["router_metadata"]
    assert metadata["routing_strategy"] == "tiny"
    assert metadata["turns_used"] >= 1
    assert metadata["stop"] in ("answered", "routed", "malformed", "max_turns", "max_tokens")
    assert metadata["total_cost"] == pytest.approx(metadata["router_cost"] + metadata["target_models_cost"])
    assert answer.json()["choices"][0]["message"]["content"] is not None


def test_a_stream_of_a_policy_says_the_same(url):
    whole = ask(url).json()
    events = [e.removeprefix("data: ") for e in ask(url, stream=True).text.split("\n\n") if e]
    chunks = [json.loads(event) for event in events[:-1]]
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert events[-1] == "[DONE]"
    assert said == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["router_metadata"]["turns_used"] == whole["router_metadata"]["turns_used"]


@pytest.mark.parametrize("field", ["tools", "response_format", "n"])
def test_what_a_policy_cannot_pass_on_is_refused(url, field):
    answer = ask(url, **{field: 2 if field == "n" else [{"type": "function"}]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, field)


def test_earlier_turns_and_the_system_prompt_reach_the_policy():
    messages = [
        {"role": "system", "content": "be short"},
        {"role": "user", "content": "2 + 2"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": [{"type": "text", "text": "and 3 more"}]},
    ]
    assert conversation_text(messages) == "system: be short\n\nuser: 2 + 2\n\nassistant: 4\n\nuser: and 3 more"
    assert conversation_text(messages[1:2]) == "2 + 2"


def test_the_best_answer_so_far_is_the_last_reply_that_came():
    def call(text, status=CallStatus.OK):
        return Call(model="m", query="q", reply=ModelReply(model="m", text=text, status=status), cost_usd=0.0)

    calls = (call("first"), call("second"), call(" "), call("broken", CallStatus.FAILED))
    episode = Episode(
        query=Query(query_id="q", text="q", answers=(), task=""), cost_weight=0.0, mode=Mode.ORCHESTRATE, segments=(),
        calls=calls, stop=StopReason.MAX_TURNS, answer=None, quality=None, format_ok=True, cost_usd=0.0,
    )  # fmt: skip
    assert best_so_far(episode) == "second"


def test_the_clients_deadline_ends_an_episode_and_what_it_had_spent_is_paid(url, monkeypatch):
    async def too_slow(environment, generate):
        environment.ledger.charge(model="nano", usage=Usage(prompt_tokens=1), cost_usd=0.25, status=CallStatus.OK)
        await asyncio.sleep(60)

    monkeypatch.setattr("rl_router.serving.policy.run_episode", too_slow)
    began_s = time.monotonic()
    body = {"model": "auto", "messages": CHAT}
    answer = httpx.post(f"{url}/chat/completions", json=body, headers={DEADLINE: "0.3"}, timeout=50)
    assert answer.status_code == 504 and answer.json()["error"]["code"] == "deadline_exceeded"
    assert time.monotonic() - began_s < 30
    assert float(answer.headers["x-router-total-cost"]) == 0.25


def test_a_deadline_that_is_long_enough_changes_nothing(url):
    body = {"model": "auto", "messages": CHAT}
    answers = [httpx.post(f"{url}/chat/completions", json=body, headers=h, timeout=60) for h in ({}, {DEADLINE: "50"})]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["choices"] == answers[1].json()["choices"]
