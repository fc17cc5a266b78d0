import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_router.pool.chat import Answer, ErrorInBody, Unreadable, read_body, read_events, read_usage, reply_of
from rl_router.types import CallStatus, Usage


def body(message, finish="stop", **rest):
    return json.dumps({"choices": [{"message": message, "finish_reason": finish}], **rest}).encode()


def test_a_missing_usage_is_marked_and_not_guessed():
    reply = reply_of(read_body(body({"content": "hi"})), model="m", latency_s=0.0)
    assert (reply.status, reply.usage, reply.usage_known) == (CallStatus.OK, Usage(), False)


def test_a_cut_answer_is_an_answer_and_nothing_but_thought_is_none():
    def status(message):
        return reply_of(read_body(body(message, "length")), model="m", latency_s=0.0).status

    assert status({"content": "so far"}) is CallStatus.OK
    assert status({"content": None, "reasoning_content": "hm"}) is CallStatus.TRUNCATED
    assert status({"content": "<think>hm, let me"}) is CallStatus.TRUNCATED


def test_thought_in_the_text_is_not_the_answer():
    assert read_body(body({"content": "<think>2 or 3?</think>\n\n3"})).text == "3"


def test_an_answer_that_a_filter_withheld_is_not_a_wrong_one():
    reply = reply_of(read_body(body({"content": ""}, "content_filter")), model="m", latency_s=0.0)
    assert reply.status is CallStatus.REJECTED


def test_a_call_of_a_tool_is_the_answer_where_tools_were_offered():
    call = {"function": {"name": "f", "arguments": '{"x": 1}'}}
    assert json.loads(read_body(body({"content": None, "tool_calls": [call]})).text) == [
        {"name": "f", "arguments": '{"x": 1}'}
    ]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 3}, (5, 0, 3, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 3, "prompt_cache_hit_tokens": 4}, (5, 4, 3, 0)),
        (
            {
                "prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 15,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            (5, 0, 10, 7),  # reasoning beside the completion: 5 + 3 + 7 = 15
        ),
        (
            {
                "prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            (5, 0, 9, 7),  # reasoning within the completion
        ),
    ],
)  # fmt: skip
def test_usage_is_read_in_the_spellings_of_providers(usage, counts):
    names = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
    assert read_usage(usage) == Usage(**dict(zip(names, counts, strict=True)))


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 5}, {"prompt_tokens": -1, "completion_tokens": 1}, "5"])
def test_half_a_usage_is_none(usage):
    assert read_usage(usage) is None


def test_an_error_within_status_200_means_its_own_code():
    with pytest.raises(ErrorInBody, match="overloaded") as caught:
        read_body(json.dumps({"error": {"code": 502, "message": "overloaded"}}).encode())
    assert caught.value.status == 502


def test_a_stream_is_the_text_of_its_chunks_and_the_usage_of_its_last():
    chunks = [
        {"choices": [{"delta": {"content": "for"}}]},
        {"choices": [{"delta": {"content": "ty"}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 1}},
    ]
    lines = [b": keep alive", *(b"data: " + json.dumps(chunk).encode() for chunk in chunks), b"data: [DONE]"]
    assert read_events(lines) == Answer(
        text="forty", finish_reason="stop", usage=Usage(prompt_tokens=2, completion_tokens=1)
    )


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
    lambda value: json.dumps({"choices": value, "usage": value, "error": None}).encode()
))  # fmt: skip
def test_no_body_crashes_the_reader(data):
    for read in (read_body, lambda body: read_events(body.split(b"\n"))):
        with suppress(Unreadable, ErrorInBody):
            assert isinstance(read(data), Answer)
