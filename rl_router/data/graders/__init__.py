"""Is this answer right? Graders by name, each a reply and its question in, a score in [0, 1] or None (ungraded) out."""

from __future__ import annotations

from rl_router.data.graders.choice import grade_choice
from rl_router.data.graders.code import grade_code
from rl_router.data.graders.final_answer import final_answer
from rl_router.data.graders.function_calls import gold_calls, grade_calls
from rl_router.data.graders.grader import GRADERS, JUDGE, Grader, answer_of, grade, grade_async, needs_judge, takes_time
from rl_router.data.graders.instructions import grade_instructions
from rl_router.data.graders.judge import Judge
from rl_router.data.graders.listed import grade_listed
from rl_router.data.graders.maths import grade_maths
from rl_router.data.graders.number import grade_number
from rl_router.data.graders.text import exact_match, f1, normalize_answer
from rl_router.types import Query

__all__ = [
    "GRADERS",
    "Grader",
    "Judge",
    "answer_of",
    "exact_match",
    "f1",
    "grade",
    "grade_async",
    "normalize_answer",
    "takes_time",
]


def _boxed_answers(query: Query) -> tuple[str, ...]:
    return tuple(f"The answer is \\boxed{{{answer}}}." for answer in query.answers)


def _no_gold(query: Query) -> tuple[str, ...]:
    return ()


for _grader in (
    Grader(
        name="exact_match",
        description="the final answer is one of the accepted ones, after SQuAD's normalisation",
        grade=lambda response, query: exact_match(final_answer(response), query.answers),
    ),
    Grader(
        name="f1",
        description="words that the final answer shares with the nearest accepted one, after SQuAD's normalisation",
        grade=lambda response, query: f1(final_answer(response), query.answers),
    ),
    Grader(name="choice", description="the label of the right option, or its text", grade=grade_choice),
    Grader(
        name="number", description="the number of the final answer, exactly or to stated decimals", grade=grade_number
    ),
    Grader(
        name="maths",
        description="the final answer equals the right one as mathematics (math-verify)",
        grade=grade_maths,
        gold=_boxed_answers,
        blocks=True,
    ),
    Grader(name="code", description="the program passes every unit test, in a sandbox", grade=grade_code, blocks=True),
    Grader(
        name="function_calls",
        description="exactly the wanted function calls, by name and arguments",
        grade=grade_calls,
        gold=gold_calls,
    ),
    Grader(
        name="instructions",
        description="every checkable instruction of the prompt is followed, as IFEval states them",
        grade=grade_instructions,
        gold=_no_gold,
    ),
    Grader(
        name="listed",
        description="the parts of an answer, each in its place, group or order; partly right counts partly (LiveBench)",
        grade=grade_listed,
        gold=lambda query: tuple(f"<solution>{answer}</solution>" for answer in query.answers),
    ),
    Grader(name=JUDGE, description="a language model of the pool judges the answer", grade=needs_judge, gold=_no_gold),
):
    GRADERS.add(_grader.name, _grader)
