"""A policy judged on a log: every estimator, for quality and for cost, and whether it beats the policy that logged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rl_router.errors import DataError
from rl_router.evaluation.off_policy.estimators import (
    Estimate,
    direct,
    doubly_robust,
    doubly_robust_outcomes,
    importance,
    ips,
    self_normalised,
)
from rl_router.evaluation.off_policy.log import LoggedCall
from rl_router.evaluation.off_policy.outcome_model import cross_fitted
from rl_router.evaluation.statistics.mean import Mean, mean

OUTCOMES = ("quality", "cost_usd")


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyValue:
    """What a policy would have earned in `outcome` per query.

    `logged` is what the policy that logged did earn, `gain` the doubly robust difference to it. `followed` is the share
    of queries on which both chose alike, `untried` the share for which the log never tried what the policy wants on any
    query: there only the outcome model speaks. `mean_weight` is 1 within its error when the propensities are right.
    """

    policy: str
    outcome: str
    logged: Mean
    gain: Mean
    estimates: tuple[Estimate, ...]
    mean_weight: Mean
    followed: float
    untried: float


def models_of(calls: Sequence[LoggedCall]) -> list[str]:
    """Every model of a log that was a candidate, or an arm's decision, by name: the columns of a policy's matrix."""
    return sorted({model for call in calls for model in (*call.candidates, *call.arms.values())})


def policy_value(
    policy: str,
    target: np.ndarray,
    calls: Sequence[LoggedCall],
    features: np.ndarray,
    outcome: str,
    *,
    rng: np.random.Generator,
    models: Sequence[str] | None = None,
) -> PolicyValue:
    """`target` [n, m] over `models`, by default `models_of(calls)`; `features` [n, d] for the outcome model.

    Calls whose outcome nobody recorded are left out, which is right only if feedback does not depend on the outcome.
    """
    models = models_of(calls) if models is None else list(models)
    values = np.array([np.nan if (value := getattr(call, outcome)) is None else value for call in calls])
    choices = np.array([models.index(call.model) for call in calls])
    propensity = np.array([call.propensity for call in calls])
    known = ~np.isnan(values)
    if known.sum() < 2:
        raise DataError(f"The log knows the {outcome} of {known.sum()} calls; an estimate needs two or more.")
    target, values, choices, propensity = target[known], values[known], choices[known], propensity[known]
    predicted = cross_fitted(features[known], choices, values, len(models), rng=rng)
    log = (target, choices, propensity, values)
    weights = importance(target, choices, propensity)
    tried = np.bincount(choices, minlength=len(models)) > 0
    return PolicyValue(
        policy=policy,
        outcome=outcome,
        logged=mean(values),
        gain=mean(doubly_robust_outcomes(*log, predicted) - values),
        estimates=(doubly_robust(*log, predicted), self_normalised(*log), ips(*log), direct(target, predicted)),
        mean_weight=mean(weights),
        followed=float(target[np.arange(len(choices)), choices].mean()),
        untried=float(target[:, ~tried].sum(axis=1).mean()),
    )
