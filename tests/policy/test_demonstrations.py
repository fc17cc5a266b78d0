"""Demonstrations teach the grammar and nothing about which model is right."""

from collections import Counter
from dataclasses import replace
from statistics import fmean

import pytest

from rl_router.episode.dialect import Answer, Route
from rl_router.episode.tags import parse_turn
from rl_router.policy.demonstrations import PRICE_WORDS, price_word
from rl_router.types import Mode, Usage

ONE_CALL = Usage(prompt_tokens=300, completion_tokens=150)


def first_model(demo):
    action = parse_turn(demo.turns[0][0])
    return action.model if isinstance(action, Route) else None


def shares(demos, models):
    """[m] of the first calls"""
    counts = Counter(filter(None, map(first_model, demos)))
    return [counts[name] / counts.total() for name in models]


def of_kind(task, *kinds):
    return [q for q in task.train if q.task in kinds]


def test_every_turn_is_grammatical_and_only_the_last_one_answers(demonstrate, task):
    demos = demonstrate(600)
    for demo in demos:
        actions = [parse_turn(text) for text, _ in demo.turns]
        assert all(isinstance(a, Route) and a.model in task.pool.names for a in actions[:-1])
        assert isinstance(actions[-1], Answer)
        assert [reply is None for _, reply in demo.turns] == [False] * (len(demo.turns) - 1) + [True]
    assert {len(d.turns) for d in demos} == {1, 2, 3, 4}  # direct answers, one call, retries and hops


def test_in_decide_mode_there_is_one_turn_and_it_routes(demonstrate, task):
    for demo in demonstrate(50, task=replace(task, mode=Mode.DECIDE)):
        [(text, reply)] = demo.turns
        assert parse_turn(text).query == "same"
        assert reply is None


def test_two_hop_questions_are_split_as_often_as_is_asked_for(demonstrate, task):
    two_hop = of_kind(task, "two_hop")
    for share in (0.0, 0.8, 1.0):
        demos = demonstrate(400, queries=two_hop, decompose=share)
        split = fmean(parse_turn(d.turns[0][0]).query == "first" for d in demos)
        assert split == pytest.approx(share, abs=0.06)


def test_the_first_model_does_not_depend_on_the_kind_of_question(demonstrate, task):
    models = task.pool.names
    for weight in (0.0, 0.5, 2.0):
        sums, facts = (
            shares(demonstrate(3000, cost_weight=weight, queries=of_kind(task, *kinds), seed=seed), models)
            for seed, kinds in enumerate((("arithmetic", "units"), ("fact", "lists")))
        )
        assert sums == pytest.approx(facts, abs=0.05)


def test_the_first_model_does_not_depend_on_which_model_is_right(demonstrate, task):
    models = task.pool.names
    asked = of_kind(task, "arithmetic", "units", "lists", "fact")
    for place, name in enumerate(models):
        right = [q for q in asked if task.pool.ask(name, q.text, query=q).reply.text in q.answers]
        wrong = [q for q in asked if q not in right]
        if not right or not wrong:
            continue
        when_right = shares(demonstrate(2000, cost_weight=0.5, queries=right, seed=1), models)[place]
        when_wrong = shares(demonstrate(2000, cost_weight=0.5, queries=wrong, seed=2), models)[place]
        assert when_right == pytest.approx(when_wrong, abs=0.05)


def test_without_a_price_tilt_every_model_is_as_likely_and_with_it_dear_ones_are_asked_where_cost_weighs_least(
    demonstrate, task
):
    even = [1 / len(task.pool.names)] * len(task.pool.names)
    queries = of_kind(task, "fact")
    for weight in (0.0, 2.0):
        demos = demonstrate(2000, cost_weight=weight, queries=queries, price_tilt=0.0)
        assert shares(demos, task.pool.names) == pytest.approx(even, abs=0.05)
    price = [task.pool.spec(name).price(ONE_CALL) for name in task.pool.names]
    paid = []
    for weight in (0.0, 0.5, 2.0):
        demos = demonstrate(2000, cost_weight=weight, queries=queries, price_tilt=0.5)
        paid.append(sum(s * p for s, p in zip(shares(demos, task.pool.names), price, strict=True)))
    assert paid[0] > paid[1] > paid[2]


def test_price_words_rise_with_the_cost_weight():
    weights = (2.0, 0.0, 0.5, 0.25, 1.0)  # in any order
    words = [price_word(w, weights) for w in sorted(weights)]
    assert words == ["free", "low", "high", "steep", "severe"]
    assert [PRICE_WORDS.index(w) for w in words] == [0, 2, 4, 6, 8]
    assert price_word(0.5, (0.5,)) == "free"


def test_a_policy_that_is_told_the_cost_weight_says_its_word_in_each_thought_before_a_call(demonstrate):
    for demo in demonstrate(60, cost_weight=2.0):
        routes = [text for text, _ in demo.turns if isinstance(parse_turn(text), Route)]
        assert all(text.startswith("<think> severe ") for text in routes)
        assert demo.cost_weight == 2.0


def test_a_blind_policy_is_told_neither_the_weight_nor_its_word(demonstrate):
    for demo in demonstrate(300, tell=False):
        assert demo.cost_weight is None
        words = " ".join(text for text, _ in demo.turns).replace("<", " <").replace(">", "> ").split()
        assert not set(words) & set(PRICE_WORDS)


def test_the_largest_budget_is_the_one_at_which_cost_matters_least():
    budgets = (5e-5, 3e-4, 1.2e-3)
    assert [price_word(usd, budgets, budgets=True) for usd in budgets] == ["severe", "high", "free"]
    assert [price_word(usd, budgets) for usd in budgets] == ["free", "high", "severe"]


def test_a_call_that_failed_is_demonstrated_to_be_made_again_and_never_to_be_the_answer(demonstrate):
    demos = demonstrate(400, fail=0.3)
    failed = [(d, i) for d in demos for i, (_, reply) in enumerate(d.turns) if (reply or "").startswith("no reply; ")]
    calls = sum(len(d.turns) - 1 for d in demos)
    assert len(failed) / calls == pytest.approx(0.3, abs=0.06)
    again = [parse_turn(d.turns[i + 1][0]) for d, i in failed]
    assert {a.text for a in again if isinstance(a, Answer)} == {"unknown"}  # its calls were used up
    asked = [(parse_turn(d.turns[i][0]), a) for (d, i), a in zip(failed, again, strict=True) if isinstance(a, Route)]
    assert all(before.query == after.query for before, after in asked)
    assert 0.05 < fmean(before.model == after.model for before, after in asked) < 0.5  # the same one is no worse for it
