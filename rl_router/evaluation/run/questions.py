"""Which questions a run is asked: held-out ones when it is evaluated, or the one that a person typed."""

from __future__ import annotations

from collections.abc import Sequence

from rl_router.data.world import World
from rl_router.episode.dialect import Dialect
from rl_router.episode.live_task import LiveTask
from rl_router.episode.replay_task import sample
from rl_router.episode.world_task import WorldTask
from rl_router.errors import NotRecordedError, RecipeError
from rl_router.observe.formats import listed
from rl_router.rl.setting import Setting
from rl_router.types import Query

TYPED = "typed"
"""The id of a query that a person typed, and its task when nothing more is known of it."""


def held_out(setting: Setting) -> tuple[Query, ...]:
    """The test questions, or as many of them as `evaluation.queries` says: the same ones for every router."""
    limit = setting.job.evaluation.queries
    if limit is not None and limit < 1:
        raise RecipeError(f"expected evaluation.queries of at least 1, got {limit}")
    return sample(setting.task.test, limit)


def cut_questions(setting: Setting, codec: Dialect, test: Sequence[Query]) -> str | None:
    """In a sentence, how many questions of each split a policy did not see to their end. None when it saw all."""
    limit = setting.job.limits.max_prompt_tokens
    splits = {"training": setting.task.train, "validation": setting.task.val, "test": test}
    counts = {name: sum(setting.cuts_question(codec, q) for q in asked) for name, asked in splits.items()}
    found = [f"{n} of {len(splits[name])} {name} questions" for name, n in counts.items() if n]
    if not found:
        return None
    return f"The prompt is cut to {limit} tokens for {listed(found)}: the policy does not see how they end."


def asked_query(setting: Setting, text: str) -> Query:
    """The text as a query: graded if its answer is known, and in a replay only what was recorded."""
    task = setting.job.task
    if isinstance(task, WorldTask):
        solution = World(task.seed).solve(text)
        if solution is None:
            return Query(query_id=TYPED, text=text, answers=(), task=TYPED)
        kind, difficulty = solution.task, solution.difficulty
        return Query(query_id=TYPED, text=text, answers=(solution.answer,), task=kind, difficulty=difficulty)
    if isinstance(task, LiveTask):
        return Query(query_id=TYPED, text=text, answers=(), task=TYPED)
    for query in (*setting.task.test, *setting.task.val, *setting.task.train):
        if query.text.strip() == text:
            return query
    raise NotRecordedError(
        f"this run replays recorded answers and none was recorded for {text[:80]!r}: ask one of the questions of"
        f" {task.table}, word for word"
    )
