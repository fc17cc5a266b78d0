"""Models behind litellm: it speaks to the provider, and nothing of a request reaches it but OpenAI's own fields.

The provider is scripted: OpenAI's format for most, Anthropic's once, which only litellm knows how to write.
"""

import json

import httpx
import openai
import pytest
import yaml
from scripted import Scripted, completion, events, refusal

pytest.importorskip("litellm")
pytestmark = pytest.mark.timeout(240)

SUM = [{"role": "user", "content": "sum sum number3"}]
KEY = "sk-upstream-secret-0123456789"
KEYS = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "API_KEYS": ""}
PICTURE = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture
def served(gateway, tmp_path):
    """The gateway of the other tests, with litellm between it and its upstream."""

    def started(reply, provider="openai"):
        pool = tmp_path / "pool.yaml"
        models = [
            {"name": n, "litellm_model": f"{provider}/{n}", "provider": provider, "input_usd_per_mtok": 10.0,
             "output_usd_per_mtok": 20.0, "capabilities": ["images"]}
            for n in ("small", "mid", "large")
        ]  # fmt: skip
        pool.write_text(yaml.safe_dump({"models": models}))
        return gateway(reply, environment=KEYS, backend="litellm", pool=str(pool))

    return started


def ask(url, **body):
    return httpx.post(f"{url}/chat/completions", json={"model": "auto", "messages": SUM} | body, timeout=60)


def test_a_routed_answer_has_its_price_and_its_tools(served):
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
    with served(lambda body: completion(None, tool_calls=[call])) as (running, upstream):
        answer = ask(running.url, tools=[tool], temperature=0.5).json()
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"] == call["function"]
    assert answer["router_metadata"]["model_used"] == "mid"
    assert answer["router_metadata"]["total_cost"] == pytest.approx(0.002)  # 100 x 10 + 50 x 20 millionths
    assert upstream.bodies[0]["model"] == "mid"
    assert upstream.bodies[0]["tools"] == [tool]
    assert upstream.headers[0]["authorization"] == f"Bearer {KEY}"


def test_a_stream_arrives_whole_and_priced(served):
    with (
        served(lambda body: events(["for", "ty"])) as (running, _),
        openai.OpenAI(base_url=running.url, api_key="sk-mine", max_retries=0, timeout=60) as api,
    ):
        chunks = list(api.chat.completions.create(model="auto", messages=SUM, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "forty"
    assert chunks[-1].router_metadata["total_cost"] == pytest.approx(0.002)


def test_a_provider_of_another_format_is_spoken_to_in_its_own(served):
    said = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "mid", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "42"}], "usage": {"input_tokens": 100, "output_tokens": 50},
    }  # fmt: skip
    with served(lambda body: Scripted(content=json.dumps(said).encode()), "anthropic") as (running, upstream):
        answer = ask(running.url, max_tokens=20).json()
    assert answer["choices"][0]["message"]["content"] == "42"
    assert answer["router_metadata"]["total_cost"] == pytest.approx(0.002)
    assert upstream.headers[0]["x-api-key"] == KEY
    assert upstream.paths[0].endswith("/messages")


def test_a_refusal_keeps_its_status_and_another_model_answers_where_one_fails(served):
    with served(lambda body: refusal(400, f"not like this, {KEY}")) as (running, _):
        answer = ask(running.url, model="mid")
        assert answer.status_code == 400
        assert "not like this" in answer.json()["error"]["message"]
        assert KEY not in answer.text
    with served(lambda body: refusal(422, "not like this")) as (running, _):
        assert ask(running.url, model="mid").status_code == 422
    with served(lambda body: completion("42") if body["model"] != "mid" else refusal(500, "down")) as (running, _):
        answer = ask(running.url)
        assert answer.json()["choices"][0]["message"]["content"] == "42"
        assert [call["status"] for call in answer.json()["router_metadata"]["call_history"]] == ["failed", "ok"]


def test_a_limit_is_a_429_with_its_wait(served):
    with served(lambda body: refusal(429, "slow down", **{"retry-after": "7"})) as (running, _):
        answer = ask(running.url, model="mid")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(
    "field",
    [
        {"api_base": "http://169.254.169.254"}, {"base_url": "http://169.254.169.254"}, {"api_key": "sk-theirs"},
        {"custom_llm_provider": "azure"}, {"mock_response": "made up"}, {"fallbacks": ["openai/other"]},
        {"callbacks": ["webhook"]}, {"extra_headers": {"x": "y"}}, {"extra_body": {"a": 1}}, {"model_list": []},
    ],
)  # fmt: skip
def test_a_request_cannot_tell_litellm_where_to_go_or_what_to_load(served, field):
    with served(lambda body: completion("42")) as (running, upstream):
        assert ask(running.url, **field).json()["choices"][0]["message"]["content"] == "42"
    assert len(upstream.bodies) == 1
    assert not set(field) & set(upstream.bodies[0])
    assert upstream.headers[0]["authorization"] == f"Bearer {KEY}"
    assert "x" not in upstream.headers[0]


def test_a_picture_is_passed_on_as_data_and_never_fetched_from_an_address(served):
    def asked_with(url):
        parts = [{"type": "text", "text": "sum sum"}, {"type": "image_url", "image_url": {"url": url}}]
        return [{"role": "user", "content": parts}]

    with served(lambda body: completion("42")) as (running, upstream):
        for place in ("http://127.0.0.1:1/secret.png", "file:///etc/passwd", "/etc/passwd"):
            answer = ask(running.url, messages=asked_with(place))
            assert (answer.status_code, upstream.bodies) == (400, [])
            assert "data: URLs" in answer.json()["error"]["message"]
        assert ask(running.url, messages=asked_with(PICTURE)).status_code == 200
    assert upstream.bodies[0]["messages"][0]["content"][1]["image_url"]["url"] == PICTURE


def test_what_litellm_does_not_offer_is_not_found(served):
    with served(lambda body: completion("42")) as (running, _):
        answer = httpx.post(f"{running.url}/responses", json={"model": "mid", "input": "hello"}, timeout=60)
    assert answer.status_code == 404
