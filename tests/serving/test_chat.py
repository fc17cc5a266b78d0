"""Chat completions through the gateway: what goes on, what comes back, and what is said of it."""

import json

import httpx
import pytest
from scripted import USAGE, Scripted, completion, events, refusal

SUM = [{"role": "user", "content": "sum sum number3"}]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}


def post(gateway, path="/chat/completions", **body):
    body = {"model": "auto", "messages": SUM} | body
    return httpx.post(f"{gateway.url}{path}", json=body, timeout=20)


def stream(gateway, **body):
    """The data of every event."""
    answer = post(gateway, stream=True, **body)
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    return [event.removeprefix("data: ") for event in answer.text.split("\n\n") if event]


def test_the_words_of_the_person_choose_the_model(gateway):
    with gateway(lambda body: completion(f"from {body['model']}")) as (running, _):
        answers = {
            word: post(running, messages=[{"role": "user", "content": f"{word} {word}"}]).json()
            for word in ("poem", "sum", "proof")
        }
    assert {word: a["choices"][0]["message"]["content"] for word, a in answers.items()} == {
        "poem": "from small", "sum": "from mid", "proof": "from large",
    }  # fmt: skip


def test_metadata_prices_the_answer_to_the_millionth_of_a_dollar(gateway):
    with gateway(lambda body: completion()) as (running, _):
        answer = post(running)
    metadata = answer.json()["router_metadata"]
    # 80 fresh input tokens at 10, 20 cached at 5 and 50 output tokens at 20 dollars a million
    assert metadata["total_cost"] == metadata["target_models_cost"] == pytest.approx((80 * 10 + 20 * 5 + 50 * 20) / 1e6)
    assert metadata["router_cost"] == 0
    assert (metadata["model_used"], metadata["routing_strategy"], metadata["turns_used"]) == ("mid", "knn", 0)
    (call,) = metadata["call_history"]
    assert (call["model"], call["status"], call["cached_tokens"]) == ("mid", "ok", 20)
    assert metadata["total_time"] > 0
    assert metadata["predicted_quality"]["mid"] > metadata["predicted_quality"]["large"]
    assert answer.headers["x-router-model-used"] == "mid"
    assert float(answer.headers["x-router-total-cost"]) == pytest.approx(0.0019)


def test_what_a_provider_sent_is_not_written_anew(gateway):
    theirs = completion("é \u2028 1.50", logprobs=None, annotations=[])
    with gateway(lambda body: theirs) as (running, _):
        answer = post(running)
    assert answer.content.startswith(theirs.content.removesuffix(b"}"))
    assert b'"theirs": 1.5' in answer.content


def test_unknown_fields_tools_and_parts_go_on_as_they_came(gateway):
    asked = {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "be short"}]},
            {"role": "user", "content": [{"type": "text", "text": "sum of"}, PICTURE]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "3"},
        ],
        "tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}],
        "tool_choice": "auto",
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        "n": 2, "stop": ["\n"], "seed": 7, "logprobs": True, "top_logprobs": 3, "temperature": 0.1,
        "some_future_field": {"deep": [1, 2.50, None]},
    }  # fmt: skip
    with gateway(lambda body: completion()) as (running, upstream):
        assert post(running, **asked).status_code == 200
    (sent,) = upstream.bodies
    assert sent == asked | {"model": "mid"}


def test_the_gateways_own_fields_stay_with_it(gateway):
    with gateway(lambda body: completion()) as (running, upstream):
        answer = post(
            running, cost_weight=0.1, budget_usd=1, allowed_models=["small", "mid"], user="ann", session_id="s"
        )
    assert answer.status_code == 200
    assert upstream.bodies == [{"model": "mid", "messages": SUM, "user": "ann"}]


def test_a_stream_arrives_whole_with_the_metadata_in_its_last_event(gateway):
    with gateway(lambda body: events(["for", "ty", " two"])) as (running, upstream):
        *chunks, done = stream(running)
    assert done == "[DONE]"
    chunks = [json.loads(chunk) for chunk in chunks]
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == "forty two"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, None, "stop"]
    assert chunks[-1]["router_metadata"]["total_cost"] == pytest.approx(0.0019)
    assert all("router_metadata" not in chunk for chunk in chunks[:-1])
    assert upstream.bodies[0]["stream_options"] == {"include_usage": True}


def test_a_provider_that_tells_its_usage_with_an_empty_choice_is_priced_and_its_last_event_has_the_metadata(gateway):
    def reply(body):
        whole = events(["for", "ty"])
        *parts, usage, done = whole.content
        return type(whole)(content=[*parts, usage.replace(b'"choices": []', b'"choices": [{"delta": {}}]'), done])

    with gateway(reply) as (running, _):
        answer = httpx.post(f"{running.url}/chat/completions", json={"model": "mid", "messages": SUM, "stream": True})
    *_, last, done = answer.text.strip().split("\n\n")
    assert done == "data: [DONE]"
    assert json.loads(last.removeprefix("data: "))["router_metadata"]["total_cost"] == pytest.approx(0.0019)


def test_a_client_that_asks_for_usage_gets_it_last(gateway):
    with gateway(lambda body: events(["a"])) as (running, _):
        *chunks, _done = stream(running, stream_options={"include_usage": True})
    last = json.loads(chunks[-1])
    assert (last["choices"], last["usage"]) == ([], USAGE)
    assert last["router_metadata"]["model_used"] == "mid"
    assert json.loads(chunks[-2])["choices"][0]["finish_reason"] == "stop"


def test_a_named_model_is_asked_without_a_router(gateway):
    with gateway(lambda body: completion()) as (running, upstream):
        answer = post(running, model="large")
    assert upstream.bodies[0]["model"] == "large"
    assert answer.json()["router_metadata"]["routing_strategy"] == "direct"


@pytest.mark.parametrize(
    ("name", "model"), [("router-knn-0.0", "large"), ("router-knn-1.0", "small"), ("rl-router/knn", "mid")]
)
def test_router_names_carry_their_threshold(gateway, name, model):
    with gateway(lambda body: completion()) as (running, upstream):
        post(running, model=name)
    assert upstream.bodies[0]["model"] == model


def test_a_cost_weight_turns_the_dial(gateway):
    with gateway(lambda body: completion()) as (running, upstream):
        for weight in (0, 0.5, 5):
            post(running, messages=[{"role": "user", "content": "proof proof"}], cost_weight=weight)
    assert [body["model"] for body in upstream.bodies] == ["large", "large", "small"]


def test_route_decides_and_calls_nobody(gateway):
    with gateway(lambda body: completion()) as (running, upstream):
        decided = post(running, "/route").json()
    assert upstream.bodies == []
    assert decided["model"] == "mid"
    assert [c["model"] for c in decided["candidates"]][0] == "mid"
    assert all(c["predicted_cost_usd"] > 0 and 0 <= c["predicted_quality"] <= 1 for c in decided["candidates"])


def test_embeddings_and_responses_go_through(gateway):
    def reply(body):
        usage = {"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 0}}
        content = (
            {"data": [], "usage": {"prompt_tokens": 10}} if "dimensions" in body else {"output": [], "usage": usage}
        )
        return type(completion())(content=json.dumps(content).encode())

    with gateway(reply) as (running, upstream):
        vectors = post(running, "/embeddings", model="small", input="text", dimensions=3).json()
        answer = post(running, "/responses", input="sum sum").json()
    assert upstream.paths == ["/v1/embeddings", "/v1/responses"]
    assert vectors["router_metadata"]["total_cost"] == pytest.approx(10e-6)
    assert answer["router_metadata"]["total_cost"] == pytest.approx((10 * 10 + 5 * 20) / 1e6)


def test_a_stream_of_responses_ends_with_its_price(gateway):
    usage = {"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 0}}
    said = [
        {"type": "response.created", "response": {}},
        {"type": "response.output_text.delta", "delta": "42"},
        {"type": "response.completed", "response": {"output": [], "usage": usage}},
    ]
    parts = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in said]
    with gateway(lambda body: Scripted(content=parts)) as (running, _):
        text = post(running, "/responses", input="sum sum", stream=True).text
    assert text.startswith(b"".join(parts[:2]).decode())
    last = json.loads(text.split("data: ")[-1])
    assert last["response"]["usage"] == usage
    assert last["router_metadata"]["total_cost"] == pytest.approx((10 * 10 + 5 * 20) / 1e6)


def test_every_name_is_listed(gateway):
    with gateway(lambda body: completion()) as (running, _):
        names = [model["id"] for model in httpx.get(f"{running.url}/models").json()["data"]]
    assert names == ["auto", "rl-router/knn", "small", "mid", "large"]


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 429, 500, 503])
@pytest.mark.parametrize("streams", [False, True])
def test_an_upstreams_refusal_keeps_its_status_and_its_words(gateway, status, streams):
    with gateway(lambda body: refusal(status, "not like this")) as (running, _):
        answer = post(running, model="mid", stream=streams)
    assert answer.status_code == status
    assert answer.json()["error"] == {"message": "not like this", "type": "theirs", "param": None, "code": "their_code"}


def test_an_error_page_becomes_an_error_object(gateway):
    page = type(completion())(
        content=b"<html><h1>Bad gateway</h1></html>", status=502, headers={"content-type": "text/html"}
    )
    with gateway(lambda body: page) as (running, _):
        answer = post(running, model="mid")
    assert answer.status_code == 502
    assert answer.json()["error"]["message"] == "Bad gateway"


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": "no-such"}, 404, "model"),
        ({"model": 3}, 400, "model"),
        ({"model": "router-knn-7"}, 400, "model"),
        ({"messages": []}, 400, "messages"),
        ({"messages": "hello"}, 400, "messages"),
        ({"messages": [{"content": "x"}]}, 400, "messages[0].role"),
        ({"cost_weight": -1}, 400, "cost_weight"),
        ({"cost_weight": "cheap"}, 400, "cost_weight"),
        ({"budget_usd": 1e-9}, 400, "budget_usd"),
        ({"allowed_models": ["no-such"]}, 400, "allowed_models"),
        ({"allowed_models": "mid"}, 400, "allowed_models"),
        ({"user": 7}, 400, "user"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(gateway, body, status, param):
    with gateway(lambda body: completion()) as (running, upstream):
        answer = post(running, **body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert upstream.bodies == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"a": NaN}', b"\xff"])
def test_a_body_that_is_no_object_is_refused(gateway, content):
    with gateway(lambda body: completion()) as (running, _):
        answer = httpx.post(f"{running.url}/chat/completions", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_no_request_text_is_routed_on_a_placeholder(gateway):
    picture = [{"role": "user", "content": [PICTURE]}]
    with gateway(lambda body: completion()) as (running, _):
        assert post(running, messages=picture).status_code == 200
