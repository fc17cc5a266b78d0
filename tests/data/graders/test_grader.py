import asyncio
import json
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_router.data.graders import GRADERS, Grader, answer_of, grade, grade_async
from rl_router.data.graders.code import program_of
from rl_router.data.graders.judge import parse_score
from rl_router.errors import DataError
from rl_router.types import CallStatus, ModelReply, Query

CALLS = '[{"f": {"x": [1], "y": ["a", ""]}}]'
ABLE = Query(
    query_id="q",
    text="?",
    answers=(CALLS,),
    task="t",
    choices={"A": "1", "B": "a cat", "10": "("},
    meta={"instructions": [{"id": "punctuation:no_comma"}], "tests": {"kind": "asserts", "code": ""}},
)
WORDS = ["Answer: ", "\\boxed{", "}", "(A)", "B.", "[f(x=1)]", "{", "[", "```python\n", "```", "\n", "1,234", "$", "-"]
WORDS += [
    "/",
    "0",
    "\\frac12",
    "####",
    "<answer>",
    "</answer>",
    "</think>",
    "is",
    "**",
    "\x00",
    "\ud800",
    "½",
    "9" * 40,
]
WORDS += ["9" * 40]
REPLIES = st.one_of(st.text(), st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=12).map("".join))


@pytest.mark.parametrize("name", sorted(set(GRADERS) - {"judge", "maths", "code"}))
@given(reply=REPLIES, answers=st.sampled_from([(CALLS,), (), ("",), ("B", "1/2"), ("[]",), ("-1.5", "é")]))
def test_no_reply_crashes_a_grader(name, reply, answers):
    score = grade(
        name, reply, Query(query_id="q", text="?", answers=answers, task="t", choices=ABLE.choices, meta=ABLE.meta)
    )
    assert score is None or 0.0 <= score <= 1.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just("f"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["f", "x", "y"]), inner, max_size=2),
    max_leaves=8,
)


@given(wanted=JSON, reply=st.sampled_from(["f(x=1)", "[]", '[{"f": {"x": "f"}}]', "f(x={'y': [1]})", "no"]))
def test_no_answer_of_a_queries_file_crashes_the_grader_of_calls(wanted, reply):
    """Whoever wrote the file: what is no list of calls is no known answer."""
    asked = Query(query_id="q", text="?", answers=(json.dumps(wanted),), task="t")
    assert grade("function_calls", reply, asked) in (None, 0.0, 1.0)
    for gold in GRADERS.get("function_calls").gold(asked):
        assert isinstance(gold, str)


@settings(max_examples=25, deadline=None)
@given(reply=REPLIES)
def test_no_reply_crashes_the_maths_grader(reply):
    asked = Query(query_id="q", text="?", answers=("\\frac{1}{2}",), task="t")
    assert grade("maths", reply, asked) in (None, 0.0, 1.0)


@settings(max_examples=8, deadline=None)
@given(reply=REPLIES)
def test_no_reply_crashes_the_code_grader(reply):
    assert grade("code", reply, ABLE) in (0.0, 1.0)


@given(reply=REPLIES | st.lists(st.sampled_from(["[[", "]]", "[", "]", "7", "1e9", " "])).map("".join))
def test_no_reply_of_a_judge_is_taken_for_a_score_outside_the_scale(reply):
    score = parse_score(reply)
    assert score is None or 0.0 <= score <= 1.0


@given(reply=REPLIES)
def test_no_reply_crashes_the_search_for_code(reply):
    assert isinstance(program_of(reply, {"function": "f", "opening": "def f():\n", "before": "import math"}), str)


def test_an_unknown_grader_is_an_error_with_near_names():
    with pytest.raises(DataError, match="There is no grader 'exact_mach'; did you mean exact_match?"):
        grade("exact_mach", "x", ABLE)
    with pytest.raises(DataError, match="there are choice, code"):
        grade("zzz", None, ABLE)


@pytest.mark.parametrize("name", sorted(GRADERS))
def test_a_failed_call_is_not_graded(name):
    assert grade(name, None, ABLE) is None
    assert asyncio.run(grade_async(name, None, ABLE)) is None


def test_the_text_of_a_failed_call_is_no_answer():
    assert answer_of(ModelReply(model="nano", text="4")) == "4"
    assert answer_of(ModelReply(model="nano", text="nano failed", status=CallStatus.TIMEOUT)) is None


@pytest.fixture
def added():
    """Adds a grader for one test."""
    names = []

    def add(function, blocks=False):
        GRADERS.add("mine", Grader(name="mine", description="", grade=function, blocks=blocks))
        names.append("mine")

    yield add
    for name in names:
        GRADERS.remove(name)


@pytest.mark.parametrize("score", [1.5, -0.1, float("nan")])
def test_a_score_outside_0_and_1_is_an_error(added, score):
    added(lambda response, query: score)
    with pytest.raises(DataError, match="a score lies in 0..1"):
        grade("mine", "x", ABLE)


def test_a_grader_that_blocks_leaves_the_event_loop_to_others(added):
    threads = []
    added(lambda response, query: threads.append(threading.current_thread()) or 1.0, blocks=True)
    assert asyncio.run(grade_async("mine", "x", ABLE)) == 1.0
    assert threads != [threading.main_thread()]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit", [*WORDS, "*", " ", "_", "#", "(", "<", "- ", "answer is ", "[x", "a ", "1,", "[[", "f(", "."]
)
def test_a_reply_of_one_thing_said_ten_thousand_times_takes_no_quadratic_time(unit):
    reply = unit * 10_000
    for name in sorted(set(GRADERS) - {"judge", "maths", "code"}):
        score = grade(name, reply, ABLE)
        assert score is None or 0 <= score <= 1
    assert isinstance(program_of(reply, {"function": "f", "opening": "def f():\n"}), str)


def test_graders_are_imported_without_anything_heavy_and_start_nothing():
    heavy = "[m for m in ('sympy', 'polars', 'numpy', 'math_verify') if m in sys.modules]"
    code = f"import rl_router.data.graders, sys; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
