import numpy as np
import pytest

from rl_router.evaluation.metrics.oracle import gap_closed, oracle_choices, regret
from rl_router.evaluation.metrics.selection import chosen

NAN = float("nan")


def test_the_oracle_takes_the_best_answer_and_of_equal_ones_the_cheapest():
    quality = np.array([[1.0, 1.0, 0.0], [0.0, 0.5, 0.2], [0.0, 0.0, 0.0]])
    cost_usd = np.array([[3.0, 2.0, 1.0], [1.0, 9.0, 1.0], [3.0, 2.0, 1.0]])
    assert oracle_choices(quality, cost_usd).tolist() == [1, 1, 2]


def test_without_costs_the_first_of_the_best_is_taken():
    assert oracle_choices(np.array([[0.0, 1.0, 1.0]])).tolist() == [1]


def test_the_oracle_never_takes_an_ungraded_answer_over_a_graded_one():
    assert oracle_choices(np.array([[NAN, 0.0, NAN]])).tolist() == [1]


def test_an_unpriced_answer_counts_as_the_dearest():
    quality, cost_usd = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[NAN, 5.0], [1.0, NAN]])
    assert oracle_choices(quality, cost_usd).tolist() == [1, 1]


def test_regret_is_what_the_oracle_was_better_by():
    assert regret(np.array([0.0, 1.0, NAN]), np.array([1.0, 1.0, 1.0])).tolist()[:2] == [1, 0]


def test_the_gap_closed_is_the_share_of_the_way_to_the_oracle():
    single, oracle = np.array([1.0, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0])
    router = np.array([1.0, 1.0, 0.0, 0.0])
    assert gap_closed(router, single, oracle) == pytest.approx(0.5)
    assert gap_closed(single, single, oracle) == 0
    assert gap_closed(np.zeros(4), single, oracle) == pytest.approx(-0.5)
    assert np.isnan(gap_closed(router, oracle, oracle))


def test_the_gap_is_measured_where_all_three_are_graded():
    single, oracle = np.array([0.0, NAN, 0.0]), np.array([1.0, 1.0, 1.0])
    assert gap_closed(np.array([1.0, 0.0, 0.0]), single, oracle) == pytest.approx(0.5)


def test_the_columns_chosen_are_checked():
    assert chosen(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0])).tolist() == [2, 3]
    with pytest.raises(Exception, match="from 0 to 1"):
        chosen(np.ones((2, 2)), np.array([0, 2]))
