import numpy as np
import pytest

from rl_router.evaluation.statistics.mean import mean, normal_quantile


def test_the_standard_error_is_s_over_root_n():
    average = mean(np.array([1.0, 0.0, 1.0, 0.0]))
    assert (average.value, average.n) == (0.5, 4)
    assert average.se == pytest.approx(np.sqrt(1 / 3) / 2)  # s² = 4 · 0.25 / 3


def test_what_is_unknown_is_left_out():
    assert mean(np.array([1.0, np.nan, 0.0])).n == 2
    assert np.isnan(mean(np.array([np.nan])).value)
    assert np.isnan(mean(np.array([1.0])).se)


def test_the_interval_reaches_1_96_standard_errors():
    low, high = mean(np.array([1.0, 0.0, 1.0, 0.0])).interval(0.95)
    assert (high - low) / 2 == pytest.approx(1.959964 * np.sqrt(1 / 3) / 2)
    assert normal_quantile(0.97) == pytest.approx(2.17009, abs=1e-5)
