"""Models that fail, hang and lie; clients that leave; queues that fill. Every request ends in an answer or an error."""

import json
import time

import httpx
import pytest
from scripted import Scripted, completion, events, refusal

from rl_router.serving.breaker import Breaker
from rl_router.serving.job import BreakerSetting, ServeLimits

SUM = [{"role": "user", "content": "sum sum number3"}]


def post(running, timeout=20, **body):
    body = {"model": "auto", "messages": SUM} | body
    return httpx.post(f"{running.url}/chat/completions", json=body, timeout=timeout)


def wait_for(condition, seconds=5.0):
    until_s = time.monotonic() + seconds
    while not condition() and time.monotonic() < until_s:
        time.sleep(0.02)
    return condition()


BAD = {
    "busy": refusal(503, "busy"),
    "limited": refusal(429, "slow down"),
    "our key is wrong": refusal(401, "no such key"),
    "not JSON": Scripted(content=b"<html>"),
    "no choices": Scripted(content=b'{"object": "nothing"}'),
    "breaks off": Scripted(content=[...]),
    "empty stream": Scripted(content=[b"data: [DONE]\n\n"][:0]),
    "error in the stream": Scripted(content=[b'data: {"error": {"message": "overloaded"}}\n\n']),
}


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("fault", BAD)
def test_the_next_model_answers_for_one_that_fails(gateway, fault, streams):
    def reply(body):
        if body["model"] == "mid":
            return BAD[fault]
        return events(["fine"]) if body.get("stream") else completion("fine")

    with gateway(reply) as (running, upstream):
        answer = post(running, stream=streams)
    assert answer.status_code == 200
    assert "fine" in answer.text
    last = json.loads(answer.text.split("\n\n")[-3].removeprefix("data: ")) if streams else answer.json()
    assert [call["status"] == "ok" for call in last["router_metadata"]["call_history"]] == [False, True]
    assert [body["model"] for body in upstream.bodies] == ["mid", "small"]


def test_what_is_the_requests_fault_is_asked_of_one_model_only(gateway):
    with gateway(lambda body: refusal(400, "too long")) as (running, upstream):
        assert post(running).status_code == 400
    assert len(upstream.bodies) == 1


def test_when_all_fail_the_last_refusal_is_passed_on_with_its_retry_after(gateway):
    with gateway(lambda body: refusal(429, "slow down", **{"retry-after": "7"})) as (running, upstream):
        answer = post(running)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert len(upstream.bodies) == 1  # one key for all three: it rests, so the others are not asked


def test_a_model_that_keeps_failing_is_left_alone(gateway):
    def reply(body):
        return refusal(500, "down") if body["model"] == "mid" else completion("fine")

    with gateway(reply, breaker=BreakerSetting(failures=2, rest_s=60)) as (running, upstream):
        histories = [post(running).json()["router_metadata"]["call_history"] for _ in range(4)]
    assert [body["model"] for body in upstream.bodies] == ["mid", "small", "mid", "small", "small", "small"]
    assert [history[0]["status"] for history in histories] == ["failed", "failed", "skipped", "skipped"]


def test_who_asks_a_model_for_what_it_does_not_have_does_not_take_it_from_the_others(gateway):
    def reply(body):
        return completion() if "messages" in body else refusal(404, "no embeddings here")

    with gateway(reply, breaker=BreakerSetting(failures=2, rest_s=60)) as (running, _):
        asked = [httpx.post(f"{running.url}/embeddings", json={"model": "mid", "input": "a"}) for _ in range(4)]
        assert [answer.status_code for answer in asked] == [404, 404, 503, 503]
        body = {"model": "mid", "messages": SUM}
        assert httpx.post(f"{running.url}/chat/completions", json=body).status_code == 200


def test_after_its_rest_a_model_is_tried_by_one_call_and_then_by_all():
    breaker = Breaker(BreakerSetting(failures=2, rest_s=10))
    breaker.failed(0.0)
    assert breaker.admits(0.0)
    breaker.failed(1.0)
    assert [breaker.admits(t) for t in (1.0, 10.9, 11.0, 11.0)] == [False, False, True, False]
    breaker.failed(12.0)
    assert [breaker.admits(t) for t in (21.9, 22.0)] == [False, True]
    breaker.succeeded()
    assert breaker.state == "closed"
    assert [breaker.admits(t) for t in (22.1, 22.1)] == [True, True]


def test_a_named_model_that_rests_is_said_to_rest(gateway):
    with gateway(lambda body: refusal(500, "down"), breaker=BreakerSetting(failures=1, rest_s=30)) as (
        running,
        upstream,
    ):
        assert post(running, model="mid").status_code == 500
        answer = post(running, model="mid")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "models_resting")
    assert int(answer.headers["retry-after"]) == pytest.approx(30, abs=1)
    assert len(upstream.bodies) == 1


def test_a_model_that_hangs_is_replaced_within_the_deadline(gateway):
    def reply(body):
        return Scripted(content=b"", wait_s=60) if body["model"] == "mid" else completion("fine")

    with gateway(reply, limits=ServeLimits(call_s=0.2)) as (running, upstream):
        answer = post(running)
        assert answer.json()["router_metadata"]["call_history"][0]["status"] == "timeout"
        assert answer.json()["router_metadata"]["call_history"][0]["cost_usd"] is None
        assert answer.json()["router_metadata"]["cost_known"] is False
        assert wait_for(lambda: upstream.broken_off == 1)


def test_a_deadline_is_told_to_the_upstream_and_kept(gateway):
    limits = ServeLimits(total_s=0.4)
    with gateway(lambda body: Scripted(content=b"", wait_s=60), limits=limits) as (running, upstream):
        began_s = time.monotonic()
        answer = post(running)
        assert time.monotonic() - began_s < 5
    assert answer.status_code == 504
    assert 0 < float(upstream.headers[0]["x-rl-router-deadline-s"]) <= 0.4


def test_a_clients_own_deadline_counts_where_it_is_shorter(gateway):
    with gateway(lambda body: Scripted(content=b"", wait_s=60)) as (running, _):
        headers = {"x-rl-router-deadline-s": "0.3"}
        answer = httpx.post(
            f"{running.url}/chat/completions", json={"model": "mid", "messages": SUM}, headers=headers, timeout=20
        )
    assert answer.status_code == 504


@pytest.mark.parametrize("streams", [False, True])
def test_a_client_that_leaves_ends_the_call_to_the_model(gateway, streams):
    def reply(body):
        return events(["a"] * 1000, pause_s=0.05) if body.get("stream") else Scripted(content=b"", wait_s=60)

    with gateway(reply) as (running, upstream):
        with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=0.5) as client:
            body = {"model": "mid", "messages": SUM, "stream": streams}
            with client.stream("POST", f"{running.url}/chat/completions", json=body) as answer:
                for _ in answer.iter_lines():
                    if streams:
                        raise httpx.ReadTimeout("seen enough")
        assert wait_for(lambda: upstream.broken_off == 1)
        assert wait_for(lambda: running.gateway.gate.inside == 0)


def test_a_full_gateway_says_so_and_when_to_come_back(gateway):
    limits = ServeLimits(in_flight=1, queue=0)
    with gateway(lambda body: completion(), limits=limits) as (running, upstream):
        upstream.reply = lambda body: Scripted(content=b"", wait_s=1.0)
        with httpx.Client(timeout=20) as client, pytest.raises(httpx.ReadTimeout):
            client.post(f"{running.url}/chat/completions", json={"model": "mid", "messages": SUM}, timeout=0.2)
        upstream.reply = lambda body: events(["a"] * 40, pause_s=0.05)
        with httpx.stream(
            "POST", f"{running.url}/chat/completions", json={"model": "mid", "messages": SUM, "stream": True}
        ):
            answer = post(running)
            assert httpx.get(f"{running.url.removesuffix('/v1')}/health").status_code == 200
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "gateway_full")
    assert int(answer.headers["retry-after"]) >= 1


def test_bodies_and_headers_have_limits(gateway):
    limits = ServeLimits(body_bytes=1000, header_bytes=2000)
    with gateway(lambda body: completion(), limits=limits) as (running, upstream):
        long = [{"role": "user", "content": "sum " * 1000}]
        assert post(running, messages=long).status_code == 413
        url = f"{running.url}/chat/completions"
        parts = (b"x" * 400 for _ in range(5))
        assert httpx.post(url, content=parts).status_code == 413  # chunked: no length is stated
        answer = httpx.post(url, json={}, headers={"x-long": "x" * 3000})
    assert (answer.status_code, upstream.bodies) == (431, [])


def test_what_is_nowhere_and_what_is_no_method_are_errors_of_openais_shape(gateway):
    with gateway(lambda body: completion()) as (running, _):
        nowhere = httpx.get(f"{running.url}/nothing")
        wrong = httpx.get(f"{running.url}/chat/completions")
    assert (nowhere.status_code, wrong.status_code) == (404, 405)
    assert {*nowhere.json()["error"]} == {*wrong.json()["error"]} == {"message", "type", "param", "code"}


def test_paths_that_clients_make_up_fill_no_metrics(gateway):
    with gateway(lambda body: completion()) as (running, _):
        base = running.url.removesuffix("/v1")
        for number in range(3):
            httpx.get(f"{base}/made-up-{number}")
            httpx.get(f"{base}/v1/models/made-up-{number}")
        metrics = httpx.get(f"{base}/metrics").text
    assert "made-up" not in metrics
    assert 'endpoint="elsewhere"' in metrics
    assert 'endpoint="/v1/models/{model}"' in metrics
