import numpy as np
import pytest

from rl_router.evaluation.off_policy.outcome_model import FOLDS, cross_fitted


def test_a_query_is_predicted_without_its_own_outcome():
    # all other outcomes are 0, so a model that saw query 3 would predict more than 0 for it
    outcome = np.zeros(20)
    outcome[3] = 1.0
    predicted = cross_fitted(np.zeros((20, 1)), np.zeros(20, int), outcome, 1, rng=np.random.default_rng(0))
    assert predicted[3, 0] == 0
    assert predicted.mean() == pytest.approx(1 / 20)  # 16 others in each of the folds that hold it


def test_what_depends_on_the_query_is_learned_for_each_model():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(2_000, 2))
    choices = rng.integers(0, 2, 2_000)
    truth = np.column_stack([0.5 + 0.2 * features[:, 0], 0.3 - 0.1 * features[:, 1]])
    outcome = truth[np.arange(2_000), choices] + rng.normal(0, 0.1, 2_000)
    predicted = cross_fitted(features, choices, outcome, 2, rng=rng)
    assert np.abs(predicted - truth).mean() < 0.01


def test_a_model_without_a_call_is_predicted_as_the_mean_of_all():
    predicted = cross_fitted(np.zeros((10, 1)), np.zeros(10, int), np.full(10, 0.7), 2, rng=np.random.default_rng(0))
    assert predicted[:, 1].tolist() == pytest.approx([0.7] * 10)


def test_fewer_queries_than_folds_are_enough():
    predicted = cross_fitted(np.zeros((2, 1)), np.zeros(2, int), np.array([0.0, 1.0]), 1, rng=np.random.default_rng(0))
    assert FOLDS > 2
    assert predicted[:, 0].tolist() == [1, 0]
