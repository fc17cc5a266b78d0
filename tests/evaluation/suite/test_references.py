"""The rows that nobody can leave out, on the hand-made table; utility at weight λ is quality − λ · cost / 0.010."""

import numpy as np
import pytest

from rl_router.evaluation.suite import references

WEIGHTS = (0.0, 0.5, 2.0)
SMALL, LARGE = 0, 1


def asked(rule, arena, seed=0):
    rows = np.arange(len(arena.test.queries))
    return rule(arena, WEIGHTS, seed, rows).columns


def test_costs_are_measured_by_the_strongest_model(arena):
    assert arena.models[arena.strongest] == "large"
    assert arena.cost_reference_usd == pytest.approx(0.010)


def test_cheapest_and_strongest_ignore_the_dial(arena):
    assert asked(references.cheapest, arena).tolist() == [[SMALL] * 6]
    assert asked(references.strongest, arena).tolist() == [[LARGE] * 6]


def test_the_best_single_model_is_picked_at_each_weight(arena):
    # λ = 0.5: small 0.5 − 0.05 = 0.45, large 1 − 0.5 = 0.5; λ = 2: small 0.5 − 0.2 = 0.3, large 1 − 2 = −1
    assert asked(references.best_single, arena).tolist() == [[LARGE] * 6, [LARGE] * 6, [SMALL] * 6]


def test_the_best_per_task_saves_where_the_small_model_is_as_good(arena):
    by_task = {"sum": [SMALL, SMALL, SMALL], "proof": [LARGE, LARGE, SMALL]}  # at λ = 0 sums tie: the first model
    expected = [[by_task[q.task][w] for q in arena.test.queries] for w in range(3)]
    assert asked(references.best_per_task, arena).tolist() == expected


def test_the_oracle_takes_the_cheapest_of_equally_good_answers(arena):
    # proof at λ = 2: small 0 − 0.2 is better than large 1 − 2
    by_task = {"sum": [SMALL, SMALL, SMALL], "proof": [LARGE, LARGE, SMALL]}
    assert asked(references.oracle, arena).tolist() == [
        [by_task[q.task][w] for q in arena.test.queries] for w in range(3)
    ]


def test_chance_is_the_same_for_the_same_seed_and_another_for_another(arena):
    draws = {tuple(asked(references.random, arena, seed)[0]) for seed in range(20)}
    assert len(draws) > 5
    assert asked(references.random, arena, 3).tolist() == asked(references.random, arena, 3).tolist()
