"""The page's side of the API, against a gateway: what is sent, what grows, what a failure says."""

import asyncio
import json

import openai
import pytest
from scripted import completion, events, refusal

from rl_router.encoders.hashing import HashingEncoder
from rl_router.serving.chat.conversation import Conversation
from rl_router.serving.chat.talk import Talk, Wish
from rl_router.serving.job import Sticky

SUM = "sum sum number3"


def talked(running, *questions, **wish):
    """The conversation after these questions, and every turn as it grew."""

    async def go():
        conversation, grown = Conversation(), []
        async with openai.AsyncOpenAI(base_url=running.url, api_key="none", timeout=20) as client:
            talk = Talk(client, HashingEncoder(64), similar=1)
            for question in questions:
                turns = [turn async for turn in talk.answers(conversation, question, Wish(**wish))]
                conversation = conversation.and_then(turns[-1])
                grown.append([turn.answer for turn in turns])
        return conversation, grown

    return asyncio.run(go())


def test_an_answer_grows_and_ends_with_what_the_gateway_says_of_it(gateway):
    with gateway(lambda body: events(["for", "ty"])) as (running, _):
        conversation, grown = talked(running, SUM)
    assert grown[0] == ["", "for", "forty", "forty", "forty"]
    (turn,) = conversation.turns
    assert turn.is_whole
    assert (turn.metadata["model_used"], turn.metadata["total_cost"]) == ("mid", pytest.approx(0.0019))


def test_what_is_sent_follows_the_mode_and_never_the_caption(gateway):
    with gateway(lambda body: events(["42"])) as (running, upstream):
        talked(running, SUM, "poem poem", "sum sum number4", mode="retrieval")
    said = [[m["content"] for m in body["messages"]] for body in upstream.bodies]
    assert said == [[SUM], ["poem poem"], [SUM, "42", "sum sum number4"]]


@pytest.mark.parametrize(("mode", "models"), [("full_context", ["mid", "mid"]), ("current_only", ["mid", "small"])])
def test_a_whole_conversation_is_one_to_the_gateway_and_questions_alone_are_not(gateway, mode, models):
    with gateway(lambda body: events(["42"]), sticky=Sticky(gain=1.0)) as (running, upstream):
        talked(running, SUM, "poem poem number3", mode=mode)
    assert [body["model"] for body in upstream.bodies] == models


def test_the_dial_reaches_the_gateway_and_is_left_out_when_the_routers_own_is_wanted(gateway, tmp_path):
    with gateway(lambda body: events(["42"])) as (running, _):
        talked(running, SUM, cost_weight=0.5)
        talked(running, SUM)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["cost_weight"] for line in lines] == [0.5, 0.0]


def test_a_failure_is_said_in_the_words_it_came_with_and_is_no_history(gateway):
    def reply(body):
        return refusal(400, "too rude") if len(body["messages"]) == 1 else completion()

    with gateway(reply) as (running, upstream):
        conversation, _ = talked(running, SUM, SUM)
    assert [turn.error for turn in conversation.turns] == ["too rude", "too rude"]
    assert [len(body["messages"]) for body in upstream.bodies] == [1, 1]


def test_a_stream_that_breaks_keeps_what_came_and_says_so(gateway):
    def reply(body):
        broken = events(["for", "ty"], done=False)
        return type(broken)(content=[*broken.content, ...])

    with gateway(reply) as (running, _):
        (turn,) = talked(running, SUM)[0].turns
    assert (turn.answer, turn.is_whole) == ("forty", False)
    assert "broke" in turn.error


def test_a_server_that_is_no_gateway_is_named_as_the_reason(gateway):
    with gateway(lambda body: events(["42"])) as (running, upstream):
        running.url = upstream.url
        (turn,) = talked(running, SUM)[0].turns
    assert (turn.answer, turn.is_whole) == ("42", False)
    assert "is this an rl-router gateway?" in turn.error


def test_a_thumb_reaches_the_gateways_log_and_only_whole_answers_take_one(gateway, tmp_path):
    async def rate(running, *turns):
        async with openai.AsyncOpenAI(base_url=running.url, api_key="none", timeout=20) as client:
            talk = Talk(client, HashingEncoder(64), similar=1)
            return [await talk.rate(turn, up=up) for turn, up in turns]

    with gateway(lambda body: events(["42"])) as (running, _):
        (turn,) = talked(running, SUM)[0].turns
        broken = talked(running, SUM, model="nobody")[0].turns[0]
        said = asyncio.run(rate(running, (turn, True), (turn, False), (broken, True)))
    assert said[2] == "Only whole answers can be rated."
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    given = [(line["query_id"], line["quality"]) for line in lines if line["kind"] == "feedback"]
    assert given == [(turn.metadata["request_id"], 1.0), (turn.metadata["request_id"], 0.0)]
