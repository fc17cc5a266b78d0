from math import isnan

import pytest

from rl_router.evaluation.dial.points import Fixed, decomposed_share, dominators, rises, settings, standard_error


def row(router, weight, reward, cost, quality=0.9):
    return {"router": router, "cost_weight": weight, "reward": reward, "cost_usd": cost, "quality": quality}


def test_a_setting_holds_a_value_per_seed_and_its_share_of_the_best_table():
    one = [row("policy", 1.0, 0.6, 2e-4), row("best_table", 1.0, 0.8, 1e-4), row("policy", 0.0, 0.9, 9e-4)]
    one.append(row("best_table", 0.0, 1.0, 8e-4))
    two = [row("policy", 1.0, 0.8, 4e-4), row("best_table", 1.0, 0.8, 1e-4), row("policy", 0.0, 1.0, 7e-4)]
    two.append(row("best_table", 0.0, 1.0, 8e-4))
    free, dear = settings([one, two])
    assert (free.cost_weight, dear.cost_weight) == (0.0, 1.0)
    assert dear.shares == pytest.approx((0.75, 1.0)) and dear.share == pytest.approx(0.875)
    assert (dear.cost_usd, dear.reward) == pytest.approx((3e-4, 0.7))
    assert settings([one], "best_table")[1].shares == (1.0,)


def test_a_cost_that_stays_the_same_does_not_fall():
    assert rises([0.9, 0.5, 0.5, 0.2, 0.3]) == [2, 4]
    assert rises([3.0, 2.0, 1.0]) == []


def test_a_point_is_dominated_by_what_is_as_good_and_cheaper_or_better_and_as_cheap():
    cheap, strong = Fixed(name="cheap", cost_usd=0.1, quality=0.5), Fixed(name="strong", cost_usd=1.0, quality=0.9)
    assert dominators(0.5, 0.7, [cheap, strong]) == []
    assert dominators(0.2, 0.5, [cheap, strong]) == ["cheap"]
    assert dominators(1.0, 0.8, [cheap, strong]) == ["strong"]
    assert dominators(1.2, 0.4, [cheap, strong]) == ["cheap", "strong"]
    assert dominators(1.0, 0.9, [cheap, strong]) == []  # it is that point


def test_the_error_of_a_mean_needs_two_seeds():
    # deviations of 1, 0 and 1: s = 1, over the root of 3
    assert standard_error([1.0, 2.0, 3.0]) == pytest.approx(3**-0.5)
    assert isnan(standard_error([1.0]))


def test_two_hop_questions_count_as_split_by_their_first_call():
    def choice(task, model, share, router="policy"):
        return {"router": router, "cost_weight": 1.0, "task": task, "model": model, "share": share}

    rows = [
        choice("two_hop1", "wiki (first hop)", 0.5),
        choice("two_hop1", "titan (first hop)", 0.25),
        choice("two_hop1", "titan", 0.25),
        choice("fact1", "wiki", 1.0),
        choice("two_hop1", "titan", 1.0, router="warm_start"),
    ]
    assert decomposed_share(rows, "policy", 1.0) == 0.75
    assert decomposed_share(rows, "policy", 2.0) is None
