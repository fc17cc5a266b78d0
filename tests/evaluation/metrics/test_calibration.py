import numpy as np
import pytest

from rl_router.errors import DataError
from rl_router.evaluation.metrics.calibration import cost_calibration, expected_calibration_error, reliability

PREDICTED = np.array([0.1, 0.1, 0.9, 0.9, 1.0])
OBSERVED = np.array([0.0, 1.0, 1.0, 1.0, 1.0])


def test_each_bin_says_what_was_predicted_and_what_came():
    low, high = reliability(PREDICTED, OBSERVED, bins=2)
    assert (low.low, low.high, low.count, low.predicted, low.observed) == (0, 0.5, 2, 0.1, 0.5)
    assert (high.count, high.observed, high.observed_se) == (3, 1, 0)
    assert high.predicted == pytest.approx(2.8 / 3)
    assert low.observed_se == pytest.approx(0.5)  # s = 1/sqrt(2), over sqrt(2)


def test_the_calibration_error_weighs_the_gaps_by_the_bins_sizes():
    # 2/5 · |.5 − .1| + 3/5 · |1 − .9333|
    assert expected_calibration_error(PREDICTED, OBSERVED, bins=2) == pytest.approx(0.16 + 0.04)


def test_a_matrix_with_unknown_cells_is_calibrated_over_the_known_ones():
    predicted, observed = np.array([[0.2, 0.8], [0.2, 0.8]]), np.array([[0.0, 1.0], [np.nan, 1.0]])
    assert expected_calibration_error(predicted, observed) == pytest.approx(0.2)
    assert np.isnan(expected_calibration_error(np.array([0.5]), np.array([np.nan])))


def test_a_prediction_outside_0_to_1_is_refused():
    with pytest.raises(DataError, match="0..1"):
        reliability(np.array([1.5]), np.array([1.0]))


def test_cost_calibration_compares_the_bills_and_the_single_calls():
    calibration = cost_calibration(np.array([2.0, 1.0, 0.5, 1.0]), np.array([1.0, 1.0, 1.0, np.nan]))
    assert calibration.bias == pytest.approx(3.5 / 3)
    assert calibration.relative_error == pytest.approx(0.5)  # of 1, 0 and 0.5
    assert calibration.count == 3
    assert np.isnan(cost_calibration(np.array([1.0]), np.array([0.0])).bias)
