"""Routing reads what the person asked; a conversation keeps its model while that is worth it."""

import numpy as np
import pytest

from rl_router.pool.spec import ModelSpec
from rl_router.routers.rule import Candidates
from rl_router.serving.extras import Extras
from rl_router.serving.job import Sticky
from rl_router.serving.request_text import LONGEST, request_text
from rl_router.serving.sessions import Sessions, conversation_key
from rl_router.types import Query, Usage

PICTURE = {"type": "image_url", "image_url": {"url": "x"}}


def user(content):
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        ("what is 2 + 2", "what is 2 + 2"),
        ("<system-reminder>be nice</system-reminder>\nfix the test", "fix the test"),
        ("<environment_details>\nfiles: a.py\n</environment_details> fix it <context>x</context>", "fix it"),
        ("<task>write a poem</task>\n<rules>no rhymes</rules>", "write a poem"),
        ('<file path="a.py">x = 1</file> <user_query lang="en">explain</user_query> thanks', "explain"),
        ("Context:\nParis is the capital.\n\nQuestion: which city is it?\n\nAnswer:", "which city is it?"),
        ("### Question: not a template, only a label", "### Question: not a template, only a label"),
        ("<context>all of it is an aside</context>", "<context>all of it is an aside</context>"),
        ("if a < b and b > c", "if a < b and b > c"),
        ([{"type": "text", "text": "look at"}, PICTURE, {"type": "text", "text": "this"}], "look at\nthis"),
        ([{"type": "input_text", "text": "a response's part"}], "a response's part"),
    ],
)  # fmt: skip
def test_the_wrapper_is_not_what_the_person_asked(content, asked):
    assert request_text([{"role": "system", "content": "you are a poet"}, user(content)]) == asked


def test_tool_turns_belong_to_the_request_before_them():
    turns = [
        user("sum the file"),
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "tool_call_id": "c", "content": "1\n2\n3"},
    ]
    assert request_text(turns) == "sum the file"


def test_without_a_person_any_text_will_do():
    assert request_text([{"role": "system", "content": "translate"}, {"role": "user", "content": None}]) == "translate"
    assert request_text([{"role": "user", "content": []}]) == ""


def test_a_long_request_is_read_at_both_ends():
    text = request_text([user("begin " + "x" * 50_000 + " end")])
    assert text.startswith("begin") and text.endswith("end") and len(text) < LONGEST + 10


SPECS = {
    "cheap": ModelSpec(name="cheap", input_usd_per_mtok=1, cached_input_usd_per_mtok=0.1, output_usd_per_mtok=1),
    "dear": ModelSpec(name="dear", input_usd_per_mtok=10, cached_input_usd_per_mtok=1, output_usd_per_mtok=10),
}


def candidates(conversation, *, scores, cost_weight=0.0):
    costs = conversation.costs_usd(("cheap", "dear"), np.array([0.001, 0.01]))
    query = Query(query_id="q", text="q", answers=(), task="")
    return Candidates(
        queries=(query,), models=("cheap", "dear"), scores=np.array([scores]), costs_usd=costs[None],
        cost_reference_usd=0.01, cost_weight=cost_weight,
    )  # fmt: skip


def conversation(model="dear", tokens=1000, **setting):
    sessions = Sessions(Sticky(**setting), SPECS)
    sessions.remember(b"k", model, Usage(prompt_tokens=tokens - 100, completion_tokens=100), 0.0)
    return sessions.find(b"k", 1.0)


def test_what_was_said_before_costs_the_cached_price_only_with_the_model_that_read_it():
    costs = conversation().costs_usd(("cheap", "dear"), np.array([0.001, 0.01]))
    # 1,000 tokens: 1 USD a million with the other model, and the cached price of 1 USD a million with its own
    assert costs == pytest.approx([0.001 + 0.001, 0.01 + 0.001])


def test_a_small_gain_does_not_end_a_conversation_with_its_model():
    found = conversation(gain=0.05)
    assert found.keeps(candidates(found, scores=[0.84, 0.80]), "cheap")
    assert not found.keeps(candidates(found, scores=[0.86, 0.80]), "cheap")


def test_a_cost_weight_makes_a_cold_cache_part_of_the_gain():
    warm, cold = conversation(model="cheap", tokens=10_000), conversation(model="dear", tokens=10_000)
    # staying with `dear`: (0.01 + 0.01) / 0.01 = 2; `cheap` would read 10,000 tokens anew: (0.001 + 0.01) / 0.01 = 1.1
    assert candidates(cold, scores=[0.5, 0.5], cost_weight=1.0).utility[0] == pytest.approx([0.5 - 1.1, 0.5 - 2.0])
    # staying with `cheap`: (0.001 + 0.001) / 0.01 = 0.2, `dear` (0.01 + 0.1) / 0.01 = 11
    assert candidates(warm, scores=[0.5, 0.5], cost_weight=1.0).utility[0] == pytest.approx([0.5 - 0.2, 0.5 - 11.0])


def test_a_conversation_is_forgotten_when_its_cache_is_cold_and_when_there_are_too_many():
    sessions = Sessions(Sticky(idle_s=10, conversations=2), SPECS)
    for number, key in enumerate((b"a", b"b", b"c")):
        sessions.remember(key, "cheap", Usage(prompt_tokens=5), float(number))
    assert sessions.find(b"a", 3.0) is None
    assert sessions.find(b"b", 3.0).tokens == 5
    assert sessions.find(b"b", 12.0) is None


def test_turns_of_one_conversation_share_a_key_and_other_people_do_not():
    begin = [{"role": "system", "content": "s"}, user("hello")]
    later = [*begin, {"role": "assistant", "content": "hi"}, user("more")]
    ann, bob = Extras(user="ann"), Extras(user="bob")
    key = conversation_key(begin, ann, "account", None)
    assert conversation_key(later, ann, "account", None) == key
    assert conversation_key(later, bob, "account", None) != key
    assert conversation_key(later, ann, "another", None) != key
    named = conversation_key(begin, Extras(session_id="s1"), "account", None)
    assert conversation_key([user("quite else")], Extras(session_id="s1"), "account", None) == named
