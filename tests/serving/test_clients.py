"""The official openai client and litellm, unchanged, against a gateway: what they send, read and raise."""

import asyncio
import json
import os

import openai
import pytest
from pydantic import BaseModel
from scripted import completion, events, refusal

SUM = [{"role": "user", "content": "sum sum number3"}]
ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


def client(running, **settings):
    return openai.OpenAI(base_url=running.url, api_key="sk-mine", max_retries=0, timeout=20, **settings)


def test_a_plain_answer(gateway):
    with gateway(lambda body: completion("42")) as (running, _), client(running) as api:
        answer = api.chat.completions.create(model="auto", messages=SUM)
    assert answer.choices[0].message.content == "42"
    assert answer.usage.total_tokens == 150
    assert answer.router_metadata["model_used"] == "mid"


def test_the_gateways_fields_go_in_the_extra_body(gateway):
    with gateway(lambda body: completion()) as (running, upstream), client(running) as api:
        api.chat.completions.create(model="auto", messages=SUM, extra_body={"allowed_models": ["small"]})
    assert upstream.bodies[0]["model"] == "small"


def test_a_stream_can_be_read_as_everybody_reads_streams(gateway):
    with gateway(lambda body: events(["for", "ty", " two"])) as (running, _), client(running) as api:
        chunks = list(api.chat.completions.create(model="auto", messages=SUM, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "forty two"
    assert chunks[-1].router_metadata["total_cost"] == pytest.approx(0.0019)


def test_async_answers_and_streams(gateway):
    async def ask(url):
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-mine", timeout=20) as api:
            plain = api.chat.completions.create(model="mid", messages=SUM)
            stream = await api.chat.completions.create(model="auto", messages=SUM, stream=True)
            words = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return (await plain).choices[0].message.content, "".join(words)

    with gateway(lambda body: events(["a", "b"]) if body.get("stream") else completion("42")) as (running, _):
        assert asyncio.run(ask(running.url)) == ("42", "ab")


def test_a_tool_is_called_and_its_result_is_answered_by_the_same_model(gateway):
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}

    def reply(body):
        return completion("3") if body["messages"][-1]["role"] == "tool" else completion(None, tool_calls=[call])

    with gateway(reply) as (running, upstream), client(running) as api:
        first = api.chat.completions.create(model="auto", messages=SUM, tools=[ADD]).choices[0].message
        assert json.loads(first.tool_calls[0].function.arguments) == {"a": 1}
        result = {"role": "tool", "tool_call_id": "c1", "content": "poem poem poem"}
        second = api.chat.completions.create(model="auto", messages=[*SUM, first, result], tools=[ADD])
    assert second.choices[0].message.content == "3"
    assert [body["model"] for body in upstream.bodies] == ["mid", "mid"]
    assert upstream.bodies[1]["messages"][1]["content"] is None


def test_structured_output(gateway):
    class Sum(BaseModel):
        total: int

    with gateway(lambda body: completion('{"total": 3}')) as (running, upstream), client(running) as api:
        answer = api.chat.completions.parse(model="auto", messages=SUM, response_format=Sum)
    assert answer.choices[0].message.parsed == Sum(total=3)
    assert upstream.bodies[0]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_an_upstreams_error_raises_its_own_class(gateway, status, kind):
    with gateway(lambda body: refusal(status, "not like this")) as (running, _), client(running) as api:
        with pytest.raises(kind) as raised:
            api.chat.completions.create(model="mid", messages=SUM)
        assert (raised.value.code, raised.value.body["message"]) == ("their_code", "not like this")


def test_an_unknown_model_is_not_found(gateway):
    with (
        gateway(lambda body: completion()) as (running, _),
        client(running) as api,
        pytest.raises(openai.NotFoundError) as raised,
    ):
        api.chat.completions.create(model="mod", messages=SUM)
    assert raised.value.code == "model_not_found"
    assert "did you mean mid?" in raised.value.message


def test_a_stream_that_breaks_off_raises(gateway):
    def reply(body):
        broken = events(["for", "ty"], done=False)
        return type(broken)(content=[*broken.content, ...])

    with gateway(reply) as (running, _), client(running) as api, pytest.raises(openai.APIError, match="broke"):
        list(api.chat.completions.create(model="mid", messages=SUM, stream=True))


def test_models_are_listed(gateway):
    with gateway(lambda body: completion()) as (running, _), client(running) as api:
        assert [model.id for model in api.models.list()] == ["auto", "rl-router/knn", "small", "mid", "large"]


def test_a_model_is_found_by_name(gateway):
    with gateway(lambda body: completion()) as (running, _), client(running) as api:
        assert api.models.retrieve("mid").owned_by == "pool"
        assert api.models.retrieve("rl-router/knn").id == "rl-router/knn"
        assert api.models.retrieve("router-knn-0.5").owned_by == "rl-router"
        with pytest.raises(openai.NotFoundError, match="did you mean mid"):
            api.models.retrieve("mit")


@pytest.mark.parametrize("streams", [False, True])
def test_litellm_as_a_client(gateway, streams):
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = pytest.importorskip("litellm")
    settings = {"model": "openai/auto", "messages": SUM, "api_key": "sk-mine", "stream": streams, "timeout": 20}
    with gateway(lambda body: events(["4", "2"]) if body.get("stream") else completion("42")) as (running, _):
        answer = litellm.completion(api_base=running.url, **settings)
        if streams:
            assert "".join(chunk.choices[0].delta.content or "" for chunk in answer) == "42"
        else:
            assert answer.choices[0].message.content == "42"


def test_litellm_calls_a_tool_in_a_stream_and_brings_its_result(gateway):
    litellm = pytest.importorskip("litellm")
    settings = {"model": "openai/auto", "api_key": "sk-mine", "stream": True, "timeout": 20, "tools": [ADD]}
    called = {"index": 0, "id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}

    def reply(body):
        if body["messages"][-1]["role"] == "tool":
            return events(["th", "ree"])
        head, end, *rest = events([]).content
        delta = head.replace(b'{"role": "assistant", "content": ""}', json.dumps({"tool_calls": [called]}).encode())
        return type(completion())(content=[head, delta, end.replace(b'"stop"', b'"tool_calls"'), *rest])

    with gateway(reply) as (running, upstream):
        chunks = list(litellm.completion(messages=SUM, api_base=running.url, **settings))
        first = litellm.stream_chunk_builder(chunks, messages=SUM).choices[0]
        assert first.finish_reason == "tool_calls"
        assert json.loads(first.message.tool_calls[0].function.arguments) == {"a": 1}
        result = {"role": "tool", "tool_call_id": "c1", "content": "1"}
        turns = [*SUM, first.message.model_dump(), result]
        words = litellm.completion(messages=turns, api_base=running.url, **settings)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in words) == "three"
    assert [body["tools"] for body in upstream.bodies] == [[ADD], [ADD]]
    assert upstream.bodies[1]["messages"][1]["tool_calls"][0]["id"] == "c1"


def test_litellm_raises_an_upstreams_limit_as_one(gateway):
    litellm = pytest.importorskip("litellm")
    with gateway(lambda body: refusal(429, "slow down")) as (running, _), pytest.raises(litellm.RateLimitError):
        litellm.completion(
            model="openai/mid", messages=SUM, api_key="sk-mine", api_base=running.url, num_retries=0, max_retries=0
        )
