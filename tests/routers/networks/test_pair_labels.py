"""Hybrid LLM's labels on gaps that can be counted."""

import numpy as np
import pytest

from rl_router.routers.networks.pair_labels import best_shift, gap_labels, mean_difference, neighbours, sampled_gaps


def test_one_sample_gives_the_deterministic_label_and_a_tie_goes_to_the_small_model():
    np.testing.assert_array_equal(gap_labels(np.array([[-0.2], [0.0], [0.3]])), [0.0, 1.0, 1.0])


def test_several_samples_give_the_share_in_which_the_small_model_does_not_lose():
    assert gap_labels(np.array([[-1.0, 0.0, 1.0, -0.5]])).tolist() == [0.5]


def test_a_shift_forgives_a_loss_of_just_that_much():
    assert gap_labels(np.array([[0.3 - 0.5], [-0.21]]), shift=0.2).tolist() == [1.0, 0.0]


def test_the_mean_difference_counts_every_ordered_pair():
    assert mean_difference(np.array([0.0, 1.0])) == pytest.approx(0.5)  # 2 of 4
    assert mean_difference(np.array([1.0, 0.0, 0.0])) == pytest.approx(4 / 9)
    assert mean_difference(np.array([0.0, 0.25, 1.0])) == pytest.approx(2 * (0.25 + 1.0 + 0.75) / 9)


def test_the_shift_is_the_smallest_that_sets_the_labels_most_apart():
    """Unshifted, every label is 0; from 0.5 on, half of them are 1; from 1 on, all are."""
    assert best_shift(np.array([[-1.0], [-1.0], [-0.5], [-0.5]])) == pytest.approx(0.5)


def test_no_shift_is_needed_where_labels_differ_already():
    assert best_shift(np.array([[-1.0], [0.0]])) == 0.0


def test_the_samples_of_a_query_are_itself_and_its_nearest_and_an_unknown_gap_is_its_own():
    vectors = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], dtype=np.float32)
    near = neighbours(vectors, 2)
    assert near.tolist() == [[0, 1], [1, 0], [2, 1]]
    np.testing.assert_array_equal(
        sampled_gaps(np.array([1.0, np.nan, -1.0]), near), [[1.0, 1.0], [np.nan, 1.0], [-1.0, -1.0]]
    )
    assert neighbours(vectors, 1).tolist() == [[0], [1], [2]]
