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


SINGLE = np.zeros(100)
ORACLE = np.repeat([1.0, 0.0], 50)  # half of the questions some model gets right
HALF = np.repeat([1.0, 0.0], [25, 75])  # and half of those the router


def test_the_gap_closed_is_the_share_of_the_way_to_the_oracle_with_its_standard_error():
    closed = gap_closed(HALF, SINGLE, ORACLE)
    # gain − share · gap is +0.5 on 25 questions, −0.5 on 25 and 0 on 50: s² = 50 · 0.25 / 99, over a gap of 0.5
    assert (closed.value, closed.n) == (pytest.approx(0.5), 100)
    assert closed.se == pytest.approx(np.sqrt(50 * 0.25 / 99 / 100) / 0.5)
    assert gap_closed(SINGLE, SINGLE, ORACLE).value == 0
    assert gap_closed(SINGLE - HALF, SINGLE, ORACLE).value == pytest.approx(-0.5)


def test_a_gap_that_may_be_chance_has_no_share():
    assert np.isnan(gap_closed(HALF, ORACLE, ORACLE).value)
    # one question of four: the gap is 0.25 and its standard error √(0.25 / 4) = 0.25
    one = np.array([1.0, 0.0, 0.0, 0.0])
    assert np.isnan(gap_closed(one, np.zeros(4), one).value)


def test_the_gap_is_measured_where_all_three_are_graded():
    single = np.where(np.arange(100) % 2, np.nan, SINGLE)
    closed = gap_closed(HALF, single, ORACLE)
    assert closed.n == 50 and closed.value == pytest.approx(13 / 25)  # of the 25 even places below 50, 13 are below 25


def test_the_columns_chosen_are_checked():
    assert chosen(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0])).tolist() == [2, 3]
    with pytest.raises(Exception, match="from 0 to 1"):
        chosen(np.ones((2, 2)), np.array([0, 2]))
