"""Beliefs after a self-verification, on a world whose states can be counted."""

import numpy as np
import pytest

from rl_router.routers.meta_verifier import best_threshold, expected_scores, learn_beliefs


def beliefs():
    """Confidence 0 where both fail (10), 0.5 where only the large one is right (30), 1 where both are right (60)."""
    confidence = np.repeat([0.0, 0.5, 1.0], [10, 30, 60])
    small = np.repeat([0.0, 0.0, 1.0], [10, 30, 60])
    large = np.repeat([0.0, 1.0, 1.0], [10, 30, 60])
    return learn_beliefs(confidence, small, large, levels=2, bandwidth=0.1)


def test_states_have_their_frequencies_and_scores():
    known = beliefs()
    assert known.prior.tolist() == [0.1, 0.3, 0.6]
    assert known.small.tolist() == [0.0, 0.0, 1.0]
    assert known.large.tolist() == [0.0, 1.0, 1.0]


def test_a_hopeless_question_is_not_worth_the_large_model_although_its_confidence_is_lowest():
    small, large = expected_scores(beliefs(), np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(large - small, [0.0, 1.0, 0.0], atol=1e-3)


def test_bayes_weighs_the_likelihood_with_the_prior():
    """The same confidence in both states: the expectation is the prior's, 3/4 of right answers."""
    right = np.array([0.0, 1.0, 1.0, 1.0])
    known = learn_beliefs(np.full(4, 0.5), right, np.ones(4), levels=2, bandwidth=0.1)
    small, large = expected_scores(known, np.array([0.5]))
    assert small[0] == pytest.approx(0.75)
    assert large[0] == pytest.approx(1.0)


def test_scores_between_right_and_wrong_are_grouped_in_levels_and_keep_their_mean():
    known = learn_beliefs(np.zeros(2), np.array([0.4, 0.6]), np.array([1.0, 1.0]), levels=3, bandwidth=0.1)
    assert known.small.tolist() == [0.5]


def test_the_threshold_is_where_asking_the_large_model_stops_paying():
    confidence = np.array([0.1, 0.2, 0.3, 0.9])
    assert best_threshold(confidence, np.array([1.0, -0.5, 1.0, -1.0])) == pytest.approx(0.31)
    assert best_threshold(confidence, np.full(4, -1.0)) == 0.0
