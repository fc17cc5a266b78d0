import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_router.errors import DataError
from rl_router.evaluation.metrics.frontier import aiq, dominated, non_decreasing_hull, pareto_front

# cheap and poor, middling below the line, good, and dear without being better
COST = np.array([1.0, 2.0, 3.0, 5.0])
QUALITY = np.array([0.5, 0.55, 0.8, 0.7])


def test_the_hull_leaves_out_what_a_mixture_of_others_beats():
    cost, quality = non_decreasing_hull(COST, QUALITY)
    assert cost.tolist() == [1, 3]
    assert quality.tolist() == [0.5, 0.8]


def test_the_hull_is_concave_and_rises():
    cost, quality = non_decreasing_hull(np.array([4.0, 1.0, 2.0, 3.0]), np.array([0.9, 0.1, 0.6, 0.7]))
    # slopes .5 and .15: (3, .7) lies below the line from (2, .6) to (4, .9)
    assert cost.tolist() == [1, 2, 4]
    assert quality.tolist() == [0.1, 0.6, 0.9]


def test_of_two_points_of_one_cost_the_better_counts():
    cost, quality = non_decreasing_hull(np.array([1.0, 1.0]), np.array([0.2, 0.4]))
    assert (cost.tolist(), quality.tolist()) == ([1], [0.4])


def test_aiq_is_the_mean_height_of_the_hull():
    # from 1 to 3 it rises from .5 to .8 (mean .65), from 3 to 5 it stays at .8
    assert aiq(COST, QUALITY, low_usd=1, high_usd=5) == pytest.approx(0.5 * 0.65 + 0.5 * 0.8)


def test_a_point_that_is_dear_gets_no_credit_for_what_it_cannot_go_down_to():
    # from cost 1 to 2 the mixture with no answer rises from .45 to .9, then it stays: (.675 + 3 · .9) / 4
    assert aiq(np.array([2.0]), np.array([0.9]), low_usd=1, high_usd=5) == pytest.approx(0.84375)


def test_a_range_of_costs_that_does_not_rise_is_refused():
    with pytest.raises(DataError, match="that rise"):
        aiq(COST, QUALITY, low_usd=5, high_usd=5)


def test_aiq_over_part_of_the_range_cuts_the_hull_there():
    # between costs 2 and 3: from .65 to .8
    assert aiq(COST, QUALITY, low_usd=2, high_usd=3) == pytest.approx(0.725)


def test_points_with_an_unknown_value_drop():
    cost, _ = non_decreasing_hull(np.append(COST, 0.5), np.append(QUALITY, np.nan))
    assert cost.tolist() == [1, 3]
    with pytest.raises(DataError, match="no frontier"):
        non_decreasing_hull(np.array([np.nan]), np.array([0.5]))


def test_a_point_is_dominated_by_a_model_as_cheap_and_as_good_and_better_in_one():
    points_cost, points_quality = np.array([3.0, 3.0, 2.9, 4.0]), np.array([0.8, 0.7, 0.8, 0.85])
    # equal to the model; worse; cheaper; dearer but better
    assert dominated(points_cost, points_quality, np.array([3.0]), np.array([0.8])).tolist() == [
        False,
        True,
        False,
        False,
    ]


def test_the_pareto_front_keeps_points_below_the_hull():
    assert pareto_front(COST, QUALITY).tolist() == [True, True, True, False]


POINTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), min_size=1, max_size=12)


@given(POINTS)
def test_the_hull_lies_above_every_point_rises_and_bends_down(points: list[tuple[int, int]]):
    cost, quality = np.array(points, float).T
    x, y = non_decreasing_hull(cost, quality)
    assert np.all(np.interp(cost, x, y) >= quality - 1e-9)
    assert np.all(np.diff(x) > 0) and np.all(np.diff(y) > 0)
    assert np.all(np.diff(np.diff(y) / np.diff(x)) < 1e-9)
    assert set(zip(x, y, strict=True)) <= set(zip(cost, quality, strict=True))


@given(POINTS)
def test_aiq_is_at_most_the_best_quality_and_a_further_point_never_lowers_it(points: list[tuple[int, int]]):
    cost, quality = np.array(points, float).T
    value = aiq(cost, quality, low_usd=5, high_usd=45)
    assert value <= quality.max() + 1e-9
    if len(points) > 1:
        assert aiq(cost[1:], quality[1:], low_usd=5, high_usd=45) <= value + 1e-9
