from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_router.data.graders import grade
from rl_router.data.graders.listed import FORMS, solution

LIES, ZEBRA = "yes, no, unknown", "2, tea, blue cat, 4"
GROUPS = "ant, bee, fly, wasp, red, blue, green, pink"


@pytest.mark.parametrize(
    ("form", "answer", "reply", "score"),
    [
        ("all", LIES, "So the answer is **yes, no, unknown**.", 1.0),
        ("all", LIES, "Thus:\n**Yes**, **no**, **unknown**", 1.0),
        ("all", LIES, "<solution>yes,no,unknown</solution>", 1.0),
        ("all", LIES, "<solution>yes, no, no</solution>", 0.0),
        ("all", LIES, "<solution>yes, no</solution>", 0.0),
        ("all", LIES, "", 0.0),
        ("all", "triangle", "***Triangle***", 1.0),
        ("places", ZEBRA, "<solution>2, tea, blue-cat, 4</solution>", 1.0),
        ("places", ZEBRA, "<solution>2, tea, dog, 4</solution>", 0.375),  # 3 of 4, and not all: (3/4 + 0) / 2
        ("places", ZEBRA, "<solution>tea, 2, blue cat, 4</solution>", 0.25),
        ("places", ZEBRA, "<solution>2</solution>", 0.125),
        ("places", ZEBRA, "<solution>2, tea, blue cat, 4, 5</solution>", 0.5),  # all places, and one too many
        ("places", ZEBRA, "first <solution>1</solution> no: <solution>2, tea, blue cat, 4</solution>", 1.0),
        ("order", "3,1,2", "Answer: 3, 1, 2", 1.0),
        ("order", "3,1,2", "Answer: 3, 2", pytest.approx(2 / 3)),  # one insertion of three
        ("order", "3,1,2", "Answer: 1, 2, 3", pytest.approx(1 / 3)),  # 3 out in front, 3 in at the end
        ("order", "3,1,2", "Answer: none", 0.0),
        ("order", "1", "Answer: " + "1, " * 300, 0.0),
        ("groups", GROUPS, "**bee, ant, wasp, fly, pink, red, blue, green**", 1.0),
        ("groups", GROUPS, "**red, green, blue, pink, wasp, bee, ant, fly**", 1.0),
        ("groups", GROUPS, "**ant, bee, fly, red, wasp, blue, green, pink**", 0.0),
        ("groups", GROUPS, "**ant, bee, fly, wasp, red, blue, green**", 0.5),
        ("letter", "C", "It is C.\n\nCCCCC", 1.0),
        ("letter", "C", "CCCCC? No: DDDDD", 0.0),
        ("letter", "C", "The answer is \\boxed{C}.", 1.0),
        ("letter", "C", "<solution>(C)</solution>", 1.0),
        ("letter", "C", "Answer: B", 0.0),
        ("verbatim", "A mended text.", "Here it is:\nA mended\ntext.", 1.0),
        ("verbatim", "A mended text.", "A mended texts.", 0.0),
        ("mapping", '{"a": "x", "b": "y"}', "<solution>{\"a\": \"x\", \"b\": \"y\"}</solution>", 1.0),
        ("mapping", '{"a": "x", "b": "y"}', '```json\n{"a": "x", "b": "z"}\n```', 0.5),  # 2·1 / (2 + 2)
        ("mapping", '{"a": "x", "b": "y"}', '{"a": "x"}', pytest.approx(2 / 3)),
        ("mapping", '{"a": "x"}', "no object", 0.0),
        ("mapping", "no object", '{"a": "x"}', None),
        ("order", "no number", "1", None),
        ("unheard of", "1", "1", None),
    ],
)  # fmt: skip
def test_each_part_is_compared_by_its_form(form, answer, reply, score, question):
    asked = replace(question(answer), meta={"form": form})
    assert grade("listed", reply, asked) == score


def test_a_question_without_an_answer_is_not_graded(question):
    assert grade("listed", "1", replace(question(), meta={"form": "all"})) is None


def test_what_was_only_thought_is_no_answer(question):
    asked = replace(question("yes, no"), meta={"form": "all"})
    assert grade("listed", "<think>**yes, no**</think> **no, no**", asked) == 0.0


def test_without_a_mark_the_last_line_is_the_answer():
    assert solution("I think.\nyes, no\n") == "yes, no"
    assert solution("") == ""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("piece", ["<solution>", "{", "**", "**a", "1, ", "A", "\n", " "])
def test_a_hundred_thousand_of_anything_cost_no_more_than_their_length(form, piece, question):
    score = grade("listed", piece * 100_000, replace(question("1, 2"), meta={"form": form}))
    assert score is None or 0.0 <= score <= 1.0


MARKS = ["<solution>", "</solution>", "**", ", ", "\n", "{", "}", '"a": 1', "CCCC", "Answer: ", "1", "-"]


@pytest.mark.parametrize("form", sorted(FORMS))
@given(
    reply=st.lists(st.sampled_from(MARKS) | st.text(max_size=3), max_size=12).map("".join),
    answer=st.sampled_from(["", "a, b", "1,2", "C", '{"a": "1"}', ",", "{"]),
)
def test_no_reply_and_no_answer_crashes_it(form, reply, answer):
    from rl_router.types import Query

    score = grade("listed", reply, Query(query_id="q", text="?", answers=(answer,), task="t", meta={"form": form}))
    assert score is None or 0.0 <= score <= 1.0
