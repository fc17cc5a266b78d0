"""A model of outcomes that never saw the outcome it predicts: ridge regression per model of the pool, cross-fitted.

Cross-fitting (https://arxiv.org/abs/1608.00060): the queries are split into folds, and each fold is predicted by what
was fitted on the others. Doubly robust estimates need this; without it their intervals are too short.
"""

from __future__ import annotations

import numpy as np

FOLDS = 5
RIDGE = 10.0
"""As many calls as it takes for a feature of unit length to count for half of what the data says."""


def cross_fitted(
    features: np.ndarray, choices: np.ndarray, outcome: np.ndarray, models: int, *, rng: np.random.Generator
) -> np.ndarray:
    """[n, m] predicted outcome of every model, from `features` [n, d], `choices` [n] and `outcome` [n].

    A model without a call in the other folds is predicted as the mean of all calls there.
    """
    n = len(choices)
    fold = rng.permutation(np.arange(n) % FOLDS)
    predicted = np.empty((n, models))
    for k in range(FOLDS):
        here, others = fold == k, fold != k
        if here.any():
            predicted[here] = _fit_predict(features[others], choices[others], outcome[others], models, features[here])
    return predicted


def _fit_predict(
    features: np.ndarray, choices: np.ndarray, outcome: np.ndarray, models: int, wanted: np.ndarray
) -> np.ndarray:
    overall = outcome.mean() if len(outcome) else 0.0
    predicted = np.full((len(wanted), models), overall)
    for model in range(models):
        mine = choices == model
        if mine.any():
            x, y = features[mine], outcome[mine]
            centre, level = x.mean(axis=0), y.mean()
            gram = (x - centre).T @ (x - centre) + RIDGE * np.eye(x.shape[1])
            weights = np.linalg.solve(gram, (x - centre).T @ (y - level))
            predicted[:, model] = level + (wanted - centre) @ weights
    return predicted
