"""Simulated models: seeded skills, honest prices, and a refusal of pool files that do not say how to simulate."""

import asyncio
import subprocess
import sys

import pytest

from rl_router.data.world import TASKS, UNSURE, World
from rl_router.errors import PoolError
from rl_router.paths import pools_dir
from rl_router.pool.backend import DeterministicBackend, Request
from rl_router.pool.pool import ModelPool, load_specs
from rl_router.pool.simulated import SimulatedBackend, simulation
from rl_router.pool.spec import ModelSpec
from rl_router.types import Query


def spec(skill, *, unsure_share=0.0, name="m"):
    return ModelSpec(
        name=name,
        input_usd_per_mtok=1.0,
        output_usd_per_mtok=10.0,
        simulation={
            "skills": {task: [skill] for task in TASKS}, "completion_tokens": 50, "unsure_share": unsure_share
        },
    )  # fmt: skip


def say(model, prompt, *, seed=0, max_tokens=None):
    query = Query(query_id="q", text=prompt, answers=(), task="arithmetic")
    request = Request(spec=model, prompt=prompt, query=query, max_tokens=max_tokens)
    return SimulatedBackend(WORLD, seed).reply(request)


WORLD = World(0)
SUMS = [f"compute {a} + {b}" for a in range(1, 30) for b in range(1, 30)]


def test_a_perfect_model_is_always_right_and_a_hopeless_one_never():
    for prompt in SUMS[:50]:
        right = WORLD.solve(prompt).answer
        assert say(spec(1.0), prompt).text == right
        assert say(spec(0.0), prompt).text != right


def test_skill_is_the_share_of_right_answers():
    right = sum(say(spec(0.7), prompt).text == WORLD.solve(prompt).answer for prompt in SUMS)
    assert right / len(SUMS) == pytest.approx(0.7, abs=0.05)  # three standard errors of 841 draws


def test_the_unsure_share_of_failures_admits_it():
    replies = [say(spec(0.0, unsure_share=0.25), prompt).text for prompt in SUMS]
    assert replies.count(UNSURE) / len(SUMS) == pytest.approx(0.25, abs=0.05)


def test_what_is_no_question_is_answered_with_not_sure():
    assert say(spec(1.0), "tell me a story").text == UNSURE


def test_tokens_are_counted_and_priced():
    reply = say(spec(1.0), "compute 1 + 2")  # 14 tokens of instructions and four words
    assert reply.usage.prompt_tokens == 18
    assert 40 <= reply.usage.completion_tokens <= 60
    assert spec(1.0).price(reply.usage) == pytest.approx((18 + 10 * reply.usage.completion_tokens) / 1e6)
    assert say(spec(1.0), "compute 1 + 2", max_tokens=5).usage.completion_tokens == 5


def test_the_same_question_always_gets_the_same_reply_and_a_seed_another_one():
    replies = [[say(spec(0.5), prompt, seed=seed).text for prompt in SUMS[:60]] for seed in (0, 0, 1)]
    assert replies[0] == replies[1]
    assert replies[0] != replies[2]


def test_models_fail_on_different_questions():
    wrong = [[say(spec(0.5, name=n), p).text == WORLD.solve(p).answer for p in SUMS[:60]] for n in ("a", "b")]
    assert wrong[0] != wrong[1]


def test_the_asynchronous_call_is_the_same_reply():
    backend = SimulatedBackend(WORLD)
    query = Query(query_id="q", text="compute 1 + 2", answers=("3",), task="arithmetic")
    request = Request(spec=spec(0.5), prompt=query.text, query=query)
    assert asyncio.run(backend.complete(request)) == backend.reply(request)
    assert isinstance(backend, DeterministicBackend)


def test_the_worlds_pool_can_be_simulated_and_titan_is_dearest():
    pool = ModelPool(load_specs(pools_dir() / "world.yaml"), SimulatedBackend(WORLD))
    query = WORLD.questions("train", 1)[0]
    costs = {name: pool.ask(name, query.text, query=query).cost_usd for name in pool.names}
    assert pool.names == ("nano", "coder", "mather", "wiki", "titan")
    assert max(costs, key=costs.get) == "titan"
    assert min(costs, key=costs.get) == "nano"


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (None, "cannot be simulated"),
        ({"skills": {"arithmetic": [1.0]}, "completion_tokens": 5}, "exactly the tasks"),
        ({"skills": {task: [1.5] for task in TASKS}, "completion_tokens": 5}, r"chance in \[0, 1\]"),
        ({"skills": dict.fromkeys(TASKS, 0.5), "completion_tokens": 5}, "one chance"),
        ({"skills": {task: [1.0] for task in TASKS}, "completion_tokens": 0}, "positive number"),
        ({"skills": {task: [1.0] for task in TASKS}, "completion_tokens": 5, "mood": 1}, "unknown key 'mood'"),
    ],
)
def test_a_model_that_cannot_be_simulated_is_refused(stated, message):
    with pytest.raises(PoolError, match=message):
        simulation(ModelSpec(name="m", input_usd_per_mtok=1.0, output_usd_per_mtok=1.0, simulation=stated))


def test_another_process_with_another_hash_seed_gets_the_same_replies():
    program = (
        "from rl_router.data.world import World\n"
        "from rl_router.paths import pools_dir\n"
        "from rl_router.pool.pool import ModelPool, load_specs\n"
        "from rl_router.pool.simulated import SimulatedBackend\n"
        "world = World(0); pool = ModelPool(load_specs(pools_dir() / 'world.yaml'), SimulatedBackend(world))\n"
        "print([pool.ask(m, q.text, query=q) for q in world.questions('test', 20) for m in pool.names])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1 and "not sure" in runs.pop()
