import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_router.data.decomposition import Part, asked_to_split, parts_of, split_prompt

TWO = "1. who is the author of silver river\n2) [wiki] who is the rival of #1"


def test_a_reply_is_read_line_by_line_and_answers_take_the_places_of_their_numbers():
    first, second = parts_of(f"Here it is:\n{TWO}\nDone.", "whole", most=4)
    assert first == Part(text="who is the author of silver river")
    assert second == Part(text="who is the rival of #1", model="wiki")
    assert second.references == (1,)
    assert second.filled(["ada lovelace"]) == "who is the rival of ada lovelace"


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "no lines here",
        "1. a\n3. b",  # a line is missing
        "1. who is #1",  # refers to itself
        "1. who is #2\n2. b",  # refers to what comes later
        "1. a\n2. b\n3. c",  # more than allowed
        "1. who is #0",
    ],
)
def test_what_cannot_be_followed_is_the_question_itself(reply):
    assert parts_of(reply, "whole", most=2) == (Part(text="whole"),)


@given(st.text(), st.integers(1, 5))
def test_any_reply_gives_parts_that_can_be_asked(reply, most):
    answers: list[str] = []
    for part in parts_of(reply, "whole", most=most):
        answers.append(part.filled(answers))
    assert 1 <= len(answers) <= most


def test_a_prompt_is_told_from_any_other():
    assert asked_to_split(split_prompt("who?")) == ("who?", ())
    assert asked_to_split(split_prompt("who?", ("a: $1", "b: $2"))) == ("who?", ("a: $1", "b: $2"))
    assert asked_to_split("who?") is None
