import numpy as np
import pytest

from rl_router.evaluation.statistics.holm import holm


def test_the_smallest_p_value_is_multiplied_by_the_number_of_tests():
    # sorted .01 .02 .03 .04, times 4 3 2 1: .04 .06 .06 .04, and none below its predecessor
    assert holm(np.array([0.04, 0.01, 0.03, 0.02])).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_no_corrected_p_value_is_above_one():
    assert holm(np.array([0.6, 0.7])).tolist() == [1, 1]


def test_a_test_that_could_not_be_made_is_not_counted():
    corrected = holm(np.array([0.01, np.nan, 0.04]))
    assert corrected[[0, 2]].tolist() == pytest.approx([0.02, 0.04])
    assert np.isnan(corrected[1])
