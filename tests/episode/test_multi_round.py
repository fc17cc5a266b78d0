"""Agents that split questions, on a scripted pool for what they do and on the embedded world for what comes of it."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from rl_router.data.decomposition import asked_to_split
from rl_router.data.world import World
from rl_router.episode.multi_round import MultiRound, play_all
from rl_router.pool.budget import Budget
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool, load_specs
from rl_router.pool.simulated import SimulatedBackend
from rl_router.pool.spec import ModelSpec, pool_path
from rl_router.types import CallStatus, ModelReply, Query, StopReason, Usage

QUERY = Query(query_id="q", text="who is the rival of the author of it", answers=("bob",), task="two_hop")
SPLIT = "1. [cheap] who is the author of it\n2. [dear] who is the rival of #1"


class Scripted:
    """Answers from a dict of prompts; `SPLIT` to whoever is asked to split. Ten tokens in, one out."""

    def __init__(self, answers, split=SPLIT):
        self.answers, self.split = answers, split

    async def complete(self, request):
        text = self.split if asked_to_split(request.prompt) else self.answers.get(request.prompt, "not sure")
        status = CallStatus.OK if text is not None else CallStatus.TIMEOUT
        usage = Usage(prompt_tokens=10, completion_tokens=1)
        return ModelReply(model=request.spec.name, text=text or "", usage=usage, status=status)


def pool(answers, split=SPLIT):
    specs = [
        ModelSpec(name="cheap", input_usd_per_mtok=0.1, output_usd_per_mtok=1.0),
        ModelSpec(name="dear", input_usd_per_mtok=1.0, output_usd_per_mtok=10.0),
    ]
    return ModelPool(specs, Scripted(answers, split))


ANSWERS = {"who is the author of it": "ada", "who is the rival of ada": "bob"}
CHEAP_USD, DEAR_USD = 2e-6, 2e-5  # 10 · 0.1 + 1 · 1 and 10 · 1 + 1 · 10 per million


def test_the_decomposer_says_whom_to_ask_and_every_call_is_paid():
    (episode,) = play_all(MultiRound(pool=pool(ANSWERS), decomposer="cheap"), [QUERY], None)
    assert [(call.model, call.query) for call in episode.calls[1:]] == [
        ("cheap", "who is the author of it"),
        ("dear", "who is the rival of ada"),
    ]
    assert (episode.answer, episode.quality, episode.stop) == ("bob", 1.0, StopReason.ANSWERED)
    assert episode.cost_usd == pytest.approx(2 * CHEAP_USD + DEAR_USD)
    assert episode.metrics["router_usd"] == pytest.approx(CHEAP_USD)


def test_a_router_chooses_for_each_part_when_there_is_one():
    seen = []

    async def choose(query):
        seen.append((query.text, query.task))
        return ("dear",)

    (episode,) = play_all(MultiRound(pool=pool(ANSWERS), decomposer="cheap", choose=choose), [QUERY], 0.5)
    assert seen == [("who is the author of it", ""), ("who is the rival of ada", "")]
    assert [call.model for call in episode.calls] == ["cheap", "dear", "dear"]
    assert episode.cost_weight == 0.5


def test_parts_that_do_not_build_on_each_other_are_joined_by_the_decomposer():
    split = "1. [cheap] a\n2. [nobody] b"
    (episode,) = play_all(MultiRound(pool=pool({"a": "1", "b": "2"}, split), decomposer="cheap"), [QUERY], None)
    assert [call.model for call in episode.calls] == ["cheap", "cheap", "cheap", "cheap"]  # nobody is not in the pool
    assert episode.calls[-1].query.startswith("a\n1\n\nb\n2\n")
    assert episode.metrics["router_usd"] == pytest.approx(2 * CHEAP_USD)


def test_a_call_that_fails_is_a_wrong_answer_and_a_spent_budget_is_none():
    (episode,) = play_all(MultiRound(pool=pool({"who is the author of it": None}), decomposer="cheap"), [QUERY], None)
    assert [call.model for call in episode.calls] == ["cheap", "cheap", "dear"]  # split, a part, the part once more
    assert episode.metrics["failed_calls"] == 2.0
    assert (episode.quality, episode.answer, episode.stop) == (0.0, None, StopReason.MAX_TURNS)
    broke = MultiRound(pool=pool(ANSWERS), decomposer="cheap", budget=Budget(1e-9, name="run"))
    (episode,) = play_all(broke, [QUERY], None)
    assert (episode.stop, episode.quality, episode.answer) == (StopReason.OVER_BUDGET, None, None)


def test_a_part_whose_call_fails_is_asked_of_another_model_and_both_calls_are_paid():
    class Flaky(Scripted):
        async def complete(self, request):
            reply = await super().complete(request)
            fails = request.spec.name == "cheap" and not asked_to_split(request.prompt)
            return replace(reply, status=CallStatus.FAILED) if fails else reply

    asked = ModelPool(pool(ANSWERS).specs, Flaky(ANSWERS))
    ledger = Ledger()
    episode = asyncio.run(MultiRound(pool=asked, decomposer="cheap").play(QUERY, None, ledger))
    assert [call.model for call in episode.calls] == ["cheap", "cheap", "dear", "dear"]
    assert (episode.answer, episode.quality) == ("bob", 1.0)
    assert ledger.cost_usd == pytest.approx(2 * CHEAP_USD + 2 * DEAR_USD) == episode.cost_usd
    assert [charge.purpose for charge in ledger.charges] == ["router", "worker", "worker", "worker"]


def test_what_nobody_knows_the_answer_to_is_not_graded():
    (episode,) = play_all(MultiRound(pool=pool(ANSWERS), decomposer="cheap"), [replace(QUERY, answers=())], None)
    assert (episode.answer, episode.quality) == ("bob", None)


def test_a_reply_without_parts_asks_the_question_itself():
    agent = MultiRound(pool=pool({QUERY.text: "bob"}, "I would rather not."), decomposer="dear")
    (episode,) = play_all(agent, [QUERY], None)
    assert [call.query for call in episode.calls[1:]] == [QUERY.text]
    assert episode.quality == 1.0


def test_on_the_embedded_world_splitting_answers_two_hop_questions_for_a_part_of_the_strongest_price():
    world = World()
    models = ModelPool(load_specs(pool_path("world")), SimulatedBackend(world))
    queries = list(world.questions("test", 96, tasks=("two_hop",)))

    async def wiki(query):
        return ("wiki",)

    strongest = np.mean([models.ask("titan", query.text, query=query).cost_usd for query in queries])
    for agent in (
        MultiRound(pool=models, decomposer="nano"),
        MultiRound(pool=models, decomposer="nano", choose=wiki),
    ):
        episodes = play_all(agent, queries, None)
        assert np.mean([episode.quality for episode in episodes]) > 0.85
        assert np.mean([episode.cost_usd for episode in episodes]) < 0.6 * strongest
    for spec in models.specs:  # asked in one go, only the strongest can
        right = np.mean([models.ask(spec.name, q.text, query=q).reply.text in q.answers for q in queries])
        assert (right > 0.9) == (spec.name == "titan")
