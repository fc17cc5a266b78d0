import asyncio

import pytest

from rl_router.data.graders import grade, grade_async
from rl_router.data.graders.judge import judge_prompt, parse_score
from rl_router.errors import DataError
from rl_router.pipeline.judge import PoolJudge
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.types import CallStatus, ModelReply, Usage


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Fine. [[10]]", 1.0),
        ("[[1]]", 0.0),
        ("[[5.5]]", 0.5),
        ("[[ 4 ]]", 1 / 3),
        ("[[11]]", None),
        ("[[0]]", None),
        ("[[3]] no, [[7]]", None),
        ("[[seven]]", None),
        ("[[7/10]]", None),
        ("[[-7]]", None),
        ("[7]", None),
        ("7", None),
        ("", None),
    ],
)
def test_a_judge_says_one_score_in_double_brackets_or_none(text, score):
    assert parse_score(text) == (score if score is None else pytest.approx(score))


class Judging:
    """A backend whose model says what it is told to; it remembers what it was asked."""

    def __init__(self, text, status=CallStatus.OK):
        self.text, self.status, self.prompts = text, status, []

    async def complete(self, request):
        self.prompts.append(request.prompt)
        usage = Usage(prompt_tokens=1000, completion_tokens=100)
        return ModelReply(model=request.spec.name, text=self.text, usage=usage, status=self.status)


@pytest.fixture
def judged(question):
    """Grades one answer with a judge that says `text`; returns the score, the ledger and the backend."""

    def run(text, response="Paris", status=CallStatus.OK):
        backend, ledger = Judging(text, status), Ledger()
        spec = ModelSpec(name="judge", input_usd_per_mtok=2.0, output_usd_per_mtok=10.0)
        pool = ModelPool([spec], backend)
        judge = PoolJudge(spec, lambda request: pool.send(request, ledger=ledger))
        asked = question(text="Capital of France?", meta={"reference": "It is Paris."})
        return asyncio.run(grade_async("judge", response, asked, judge=judge)), ledger, backend

    return run


def test_a_judges_call_is_in_the_ledger_at_its_price(judged):
    score, ledger, backend = judged("Right. [[10]]")
    assert score == 1.0
    assert ledger.cost_usd == pytest.approx(1000 * 2e-6 + 100 * 10e-6)
    (prompt,) = backend.prompts
    assert "Capital of France?" in prompt and "It is Paris." in prompt and "<answer>\nParis\n</answer>" in prompt


def test_a_judge_that_fails_or_mumbles_leaves_the_answer_ungraded(judged):
    assert judged("[[10]]", status=CallStatus.FAILED)[0] is None
    assert judged("I would say eight.")[0] is None


def test_an_empty_answer_is_wrong_and_a_failed_call_not_graded_without_asking(judged):
    score, ledger, _ = judged("[[10]]", response=" ")
    assert (score, ledger.charges) == (0.0, ())
    score, ledger, _ = judged("[[10]]", response=None)
    assert (score, ledger.charges) == (None, ())


def test_without_a_judge_the_question_says_what_it_needs(question):
    with pytest.raises(DataError, match="judge=NAME"):
        grade("judge", "Paris", question())
    with pytest.raises(DataError, match="judge=NAME"):
        asyncio.run(grade_async("judge", "Paris", question()))


def test_a_rubric_reaches_the_judge(question):
    assert "Judge by this rubric:\nBe brief." in judge_prompt("x", question(meta={"rubric": "Be brief."}))
