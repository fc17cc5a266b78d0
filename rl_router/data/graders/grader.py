"""A grader turns a reply and its question into a score in [0, 1], or None when nobody can say.

None is for what was not graded: a call that failed, a question without an answer, a judge that gave no score. An empty
reply of a call that succeeded is an answer, and a wrong one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from rl_router.data.graders.judge import Judge
from rl_router.data.registry import Registry
from rl_router.errors import DataError
from rl_router.types import CallStatus, ModelReply, Query

Grade = Callable[[str, Query], float | None]
JUDGE = "judge"


def accepted_answers(query: Query) -> tuple[str, ...]:
    return query.answers


@dataclass(frozen=True, kw_only=True)
class Grader:
    """`gold` gives replies that must score 1.0; a grader of opinions has none. `blocks`: it waits for a process."""

    name: str
    description: str
    grade: Grade
    gold: Callable[[Query], tuple[str, ...]] = accepted_answers
    blocks: bool = False


GRADERS: Registry[Grader] = Registry("grader")


def grade(grader: str, response: str | None, query: Query) -> float | None:
    """The score of `response`, None for a call that gave none (`response` is None) and where nobody can say."""
    chosen = GRADERS.get(grader)
    if response is None:
        return None
    score = chosen.grade(response, query)
    if score is not None and not (isfinite(score) and 0.0 <= score <= 1.0):
        raise DataError(f"The grader {grader!r} gave {score} to {query.query_id!r}; a score lies in 0..1, or is None.")
    return score


async def grade_async(grader: str, response: str | None, query: Query, *, judge: Judge | None = None) -> float | None:
    """`grade` for an event loop: what waits for a process does so in a thread, and `judge` is asked where it is due."""
    chosen = GRADERS.get(grader)
    if response is not None and grader == JUDGE and judge is not None:
        return await judge.grade(response, query)
    if chosen.blocks:
        return await asyncio.to_thread(grade, grader, response, query)
    return grade(grader, response, query)


def takes_time(grader: str) -> bool:
    """Whether `grade_async` waits, for a process or for a judge, so that other work should go on meanwhile."""
    return grader == JUDGE or GRADERS.get(grader).blocks


def answer_of(reply: ModelReply) -> str | None:
    """The text to grade: None for a call that failed, whose text is an error message."""
    return reply.text if reply.status is CallStatus.OK else None


def needs_judge(response: str, query: Query) -> float | None:
    raise DataError(f"Question {query.query_id!r} is graded by a language model; name one of the pool with judge=NAME.")
