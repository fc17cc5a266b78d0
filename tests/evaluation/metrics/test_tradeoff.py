import numpy as np
import pytest

from rl_router.evaluation.metrics.tradeoff import cost_save, pareto_dist, perf_gain

COST, QUALITY = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.7, 0.8])


def test_perf_gain_is_what_the_best_point_adds_to_the_best_single_model():
    assert perf_gain(QUALITY, 0.75) == pytest.approx(0.05)
    assert perf_gain(QUALITY, 0.9) == pytest.approx(-0.1)


def test_cost_save_is_the_cheapest_point_that_is_as_good():
    assert cost_save(COST, QUALITY, single_cost_usd=4.0, single_quality=0.7) == pytest.approx(0.5)
    assert np.isnan(cost_save(COST, QUALITY, single_cost_usd=4.0, single_quality=0.9))


def test_pareto_dist_scales_both_axes_and_averages_over_the_points():
    # all: costs 0..4, qualities 0..1; the front is (0, 0), (2, 1); the point (4, 1) is half the cost axis away
    all_cost, all_quality = np.array([0.0, 2.0, 4.0]), np.array([0.0, 1.0, 1.0])
    assert pareto_dist(np.array([4.0, 2.0]), np.array([1.0, 1.0]), all_cost, all_quality) == pytest.approx(0.25)
