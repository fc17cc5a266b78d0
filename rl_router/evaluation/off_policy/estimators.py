"""The value of a policy π from decisions that another policy made: direct, IPS, self-normalised IPS, doubly robust.

A log has, for query i, the chosen model a_i, the probability p_i with which it was chosen, and the outcome r_i. With
the weight w_i = π(a_i | x_i) / p_i and a model q of outcomes,

    direct             mean Σ_a π(a | x_i) q(x_i, a)
    IPS                mean w_i r_i                                    Horvitz and Thompson 1952
    self-normalised    Σ w_i r_i / Σ w_i                               Swaminathan and Joachims 2015
    doubly robust      direct + mean w_i (r_i − q(x_i, a_i))           https://arxiv.org/abs/1103.4601

IPS is unbiased when the propensities are right, and no better than its largest weights. The direct one is only as good
as q, and its interval does not know that. Doubly robust is right when either is, and is the one to read first. All
need support: a model that π wants and the log never tried, or tried with a probability written down wrong, is beyond
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rl_router.errors import DataError
from rl_router.evaluation.statistics.mean import mean, normal_quantile


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """The mean outcome under π, in the outcome's unit, with a normal confidence interval over `n` logged queries.

    `effective_n`: how many queries routed by π itself would say as much, (Σ w)² / Σ w²; for the direct one, n.
    """

    estimator: str
    value: float
    se: float
    low: float
    high: float
    n: int
    effective_n: float


def direct(target: np.ndarray, predicted: np.ndarray, *, confidence: float = 0.95) -> Estimate:
    """`target` [n, m] is π(a | x), `predicted` [n, m] is q(x, a). The interval holds for a q without bias only."""
    values = _expected(target, predicted)
    return _estimate("direct", float(values.mean()), values, float(len(values)), confidence)


def ips(
    target: np.ndarray, choices: np.ndarray, propensity: np.ndarray, outcome: np.ndarray, *, confidence: float = 0.95
) -> Estimate:
    """`choices` [n] are columns of `target` [n, m], `propensity` [n] their probability in the log."""
    weights = importance(target, choices, propensity)
    values = weights * outcome
    return _estimate("ips", float(values.mean()), values, effective_n(weights), confidence)


def self_normalised(
    target: np.ndarray, choices: np.ndarray, propensity: np.ndarray, outcome: np.ndarray, *, confidence: float = 0.95
) -> Estimate:
    """Stays within the range of the outcomes; a bias of order 1/n buys a smaller variance. Interval: delta method."""
    weights = importance(target, choices, propensity)
    total = weights.sum()
    if total == 0:
        return _estimate("self_normalised", float("nan"), np.full(len(weights), np.nan), 0.0, confidence)
    value = float(weights @ outcome / total)
    influence = value + weights * (outcome - value) / weights.mean()
    return _estimate("self_normalised", value, influence, effective_n(weights), confidence)


def doubly_robust(
    target: np.ndarray,
    choices: np.ndarray,
    propensity: np.ndarray,
    outcome: np.ndarray,
    predicted: np.ndarray,
    *,
    confidence: float = 0.95,
) -> Estimate:
    """`predicted` [n, m] must not have been fitted on the outcome of its own query (`cross_fitted` takes care)."""
    values = doubly_robust_outcomes(target, choices, propensity, outcome, predicted)
    weights = importance(target, choices, propensity)
    return _estimate("doubly_robust", float(values.mean()), values, effective_n(weights), confidence)


def doubly_robust_outcomes(
    target: np.ndarray, choices: np.ndarray, propensity: np.ndarray, outcome: np.ndarray, predicted: np.ndarray
) -> np.ndarray:
    """[n] unbiased for the outcome of each query under π; less the logged outcomes, for what π would gain."""
    errors = outcome - predicted[np.arange(len(choices)), choices]
    return _expected(target, predicted) + importance(target, choices, propensity) * errors


def importance(target: np.ndarray, choices: np.ndarray, propensity: np.ndarray) -> np.ndarray:
    """[n] w = π(a_i | x_i) / p_i. Its mean is near 1 when the propensities are right."""
    propensity = np.asarray(propensity, float)
    if not np.all((propensity > 0) & (propensity <= 1)):
        raise DataError("Expected propensities above 0 and up to 1: the probability with which the model was chosen.")
    return target[np.arange(len(choices)), choices] / propensity


def effective_n(weights: np.ndarray) -> float:
    """Kish's (Σ w)² / Σ w², 0 when π never agrees with the log."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _expected(target: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """[n] Σ_a π(a | x) q(x, a); what π never chooses may be unknown."""
    return np.where(target > 0, target * predicted, 0.0).sum(axis=1)


def _estimate(name: str, value: float, influence: np.ndarray, effective: float, confidence: float) -> Estimate:
    """The standard error is that of the mean of `influence` [n]."""
    se = mean(influence).se
    reach = normal_quantile(confidence) * se
    return Estimate(
        estimator=name,
        value=value,
        se=se,
        low=value - reach,
        high=value + reach,
        n=len(influence),
        effective_n=effective,
    )
