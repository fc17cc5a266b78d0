"""A multi-round router as a teacher on the embedded world: what it asked for right answers, in the policy's grammar."""

import random
from dataclasses import replace

import pytest

from rl_router.episode.dialect import Answer, Route
from rl_router.episode.world_task import WorldTask
from rl_router.errors import RecipeError
from rl_router.policy.config import WarmStart
from rl_router.policy.demonstrations import Demonstrator, read_turn
from rl_router.policy.teacher import Teacher
from rl_router.types import Mode


@pytest.fixture(scope="module")
def task():
    return WorldTask(n_train=120, n_val=1, n_test=1, tasks=("fact", "two_hop")).build()


def script_of(task):
    return Demonstrator(task=task, cost_weights=(0.0, 1.0), config=WarmStart())


def test_two_hops_are_split_between_models_that_know_facts_and_the_answer_is_the_last_reply(task):
    teacher, rng = Teacher(script=script_of(task), decomposer="titan"), random.Random(0)
    questions = [query for query in task.train if query.task == "two_hop"]
    taught = 0
    for query in questions:
        demo = teacher.write(query, 1.0, rng)
        actions = [read_turn(text)[1] for text, _ in demo.turns]
        assert isinstance(actions[-1], Answer) and all(isinstance(action, Route) for action in actions[:-1])
        routes = [(action.model, action.query) for action in actions[:-1]]
        if routes == [("wiki", "first"), ("wiki", "then")]:
            assert actions[-1].text == "it" and demo.turns[1][1] in query.answers
            taught += 1
    assert taught > 0.85 * len(questions) > 0  # titan splits 99 of 100, wiki knows 98.5 of 100 facts


def test_what_the_teacher_gets_wrong_is_demonstrated_by_the_script(task):
    """`nano` splits nine of ten, so some of its questions are asked whole of `nano`, which knows few of them."""
    teacher = Teacher(script=script_of(task), decomposer="nano")
    for query in task.train[:60]:
        demo = teacher.write(query, 0.0, random.Random(0))
        scripted = teacher.script.write(query, 0.0, random.Random(0))
        if demo != scripted:
            assert demo.turns[-2][1] in query.answers
        assert demo.cost_weight == 0.0


def test_a_task_that_decides_and_a_model_that_is_not_there_are_refused(task):
    with pytest.raises(RecipeError, match="a task that orchestrates"):
        Teacher(script=script_of(replace(task, mode=Mode.DECIDE)), decomposer="nano")
    with pytest.raises(RecipeError, match="warm_start.decomposer to be one of nano"):
        Teacher(script=script_of(task), decomposer="gpt")
    assert isinstance(Teacher(script=script_of(task), decomposer="nano").among(["wiki", "titan"]), Demonstrator)
