"""Calibration: find where to set a router's dial from what people know, a share of strong calls, a budget or a quality.

It is measured on a table or on one's own traffic. Where a table records what the asked models scored and cost, that is
what counts; of traffic alone, the router's own predictions are. The router stays as it is: `dial.write_calibration`
keeps what was found beside it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rl_router.errors import PoolError, RecipeError
from rl_router.routers.cascade import Judged
from rl_router.routers.dial import Calibration, Goal
from rl_router.routers.observations import Observations
from rl_router.routers.pair import PairThreshold
from rl_router.routers.router import Router
from rl_router.routers.rule import Candidates
from rl_router.types import Query

COST_WEIGHTS = (0.0, *np.geomspace(1e-4, 1e3, 141).tolist())
HALVINGS = 20


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Means over the queries that a setting of the dial was tried on; NaN where nothing is known."""

    cost_weight: float
    cost_usd_per_1k: float
    quality: float


Try = Callable[[float], Reached]
"""What a cost weight comes to."""


def calibrate(
    router: Router, goal: Goal, target: float, queries: Sequence[Query], recorded: Observations | None = None
) -> Calibration:
    """Where to set the dial. RecipeError when the goal is out of reach, or the router has nothing to set.

    `recorded` has the answers to `queries`, in the same order, for some or all of the router's models.
    """
    if not router.has_dial:
        raise RecipeError(f"a router of kind {type(router).__name__.lower()} has no dial to set")
    if recorded is None and router.is_cascade:
        raise RecipeError(
            "what a cascade comes to depends on the models' replies, and traffic alone has none: calibrate it on a"
            " table with responses"
        )
    if recorded is None and goal == "quality_target" and router.quality_per_score_ != 1.0:
        raise RecipeError(
            "this router learned from preferences, so it predicts which model is better and not how good it is:"
            " calibrate it on a table with scores, or with --strong-pct or --budget-usd-per-1k"
        )
    models = router.models_ if recorded is None else recorded.models
    candidates = router.candidates(queries, models=models)
    if goal == "strong_pct":
        return _strong_share(router, target, candidates, recorded)
    if np.isnan(candidates.costs_usd).any() or router.cost_reference_usd_ is None:
        raise PoolError(
            "this router knows no price for some model, so neither a budget nor the cheapest way to a quality can be"
            " found: fit it on a table with costs or with prices=POOL, or calibrate with --strong-pct"
        )
    reach = _trial(router, candidates, recorded)
    tried = [reach(weight) for weight in COST_WEIGHTS]
    found = _good_enough(tried, target) if goal == "quality_target" else _within_budget(reach, tried, target)
    return _calibration(goal, target, router, found, candidates, recorded)


def use_threshold(router: Router, threshold: float) -> PairThreshold:
    """The rule that `router-NAME-0.3` asks for, between the router's strong and weak model. The router keeps its own.

    The two are those of its own rule if that is a threshold too, else its best model and its cheapest other one.
    """
    if not 0.0 <= threshold <= 1.0:
        raise RecipeError(f"expected a threshold between 0 and 1, got {threshold:g}")
    if router.is_cascade:
        raise RecipeError("a cascade asks its models in turn, so no threshold chooses between two: leave it out")
    if isinstance(router.rule_, PairThreshold):
        rule = copy.copy(router.rule_)
        rule.threshold = threshold
        return rule
    return PairThreshold(threshold=threshold).between(router.models_, router.mean_scores_, router.mean_costs_usd_)


def with_threshold(router: Router, threshold: float) -> Router:
    """The same router deciding by `use_threshold`, not calibrated; what it has learned is shared."""
    changed = copy.copy(router)
    changed.rule_, changed.calibration_ = use_threshold(router, threshold), None
    return changed


def as_calibrated(router: Router) -> tuple[Router, float]:
    """The router with the rule, and the cost weight, that its calibration asks for; itself and 0 where it has none."""
    found = router.calibration_
    if found is None:
        return router, 0.0
    if found.threshold is None:
        return router, found.cost_weight
    changed = with_threshold(router, found.threshold)
    assert isinstance(changed.rule_, PairThreshold) and found.strong is not None and found.weak is not None
    changed.rule_.strong_, changed.rule_.weak_ = found.strong, found.weak
    changed.calibration_ = found
    return changed, found.cost_weight


def parse_router_name(text: str) -> tuple[str, float] | None:
    """RouteLLM's `router-NAME-THRESHOLD` as (NAME, THRESHOLD); None for any other text.

    RecipeError when it is one with a threshold beyond 0..1.
    """
    found = re.fullmatch(r"router-(.+)-(\d*\.?\d+(?:e-?\d+)?)", text)
    if found is None:
        return None
    threshold = float(found[2])
    if threshold > 1.0:
        raise RecipeError(f"expected a threshold between 0 and 1 at the end of {text!r}, got {found[2]}")
    return found[1], threshold


def _strong_share(router: Router, share: float, candidates: Candidates, recorded: Observations | None) -> Calibration:
    if not 0.0 <= share <= 1.0:
        raise RecipeError(f"expected a share of strong calls between 0 and 1, got {share:g}")
    pair = with_threshold(router, 0.5)
    rule = pair.rule_
    assert isinstance(rule, PairThreshold)
    missing = [name for name in (rule.strong_, rule.weak_) if name not in candidates.models]
    if missing:
        raise RecipeError(f"calibrating needs rows of {missing[0]!r}, which this table has not")
    rates = np.sort(rule.win_rates(candidates))[::-1]
    distinct = [0, *(np.flatnonzero(np.diff(rates)) + 1).tolist(), len(rates)]  # no threshold parts equal rates
    k = min(distinct, key=lambda k: abs(k - share * len(rates)))
    beyond = [min(1.0, rates[0] + 1e-6), *((rates[1:] + rates[:-1]) / 2.0), rates[-1]]  # between k and k + 1 strong
    rule.threshold = float(np.clip(beyond[k], 0.0, 1.0))
    found = _calibration("strong_pct", share, pair, _trial(pair, candidates, recorded)(0.0), candidates, recorded)
    return replace(found, strong_share=float((rates >= rule.threshold).mean()))


def _calibration(
    goal: Goal, target: float, router: Router, found: Reached, candidates: Candidates, recorded: Observations | None
) -> Calibration:
    rule = router.rule_
    pair = (rule.threshold, rule.strong_, rule.weak_) if isinstance(rule, PairThreshold) else (None, None, None)
    threshold, strong, weak = pair
    return Calibration(
        goal=goal, target=target, cost_weight=found.cost_weight, threshold=threshold, strong=strong, weak=weak,
        cost_usd_per_1k=_known(found.cost_usd_per_1k),
        quality=_known(found.quality) if recorded is not None or router.quality_per_score_ == 1.0 else None,
        queries=len(candidates.queries), measured="predicted" if recorded is None else "recorded",
    )  # fmt: skip


def _trial(router: Router, candidates: Candidates, recorded: Observations | None) -> Try:
    if recorded is not None and router.is_cascade:
        return _cascade_trial(router, recorded)
    scores = candidates.scores if recorded is None else recorded.scores
    costs = candidates.costs_usd if recorded is None else recorded.costs_usd
    rows = np.arange(len(candidates.queries))

    def reach(cost_weight: float) -> Reached:
        chosen = router.choose(replace(candidates, cost_weight=cost_weight))
        return _reached(cost_weight, costs[rows, chosen], scores[rows, chosen])

    return reach


def _cascade_trial(router: Router, recorded: Observations) -> Try:
    """All calls of a route and of its judges are paid, and its last one answers. A reply is judged once for all
    cost weights."""
    column = {model: j for j, model in enumerate(recorded.models)}
    judged: Judged = {}

    def reach(cost_weight: float) -> Reached:
        chains = router.chain(recorded.queries, recorded.table, cost_weight, judged)
        routes = [[column[model] for model in chain] for chain in chains]
        costs = np.array([recorded.costs_usd[i, route].sum() for i, route in enumerate(routes)])
        costs += router.judging_usd(recorded.queries, recorded.table, cost_weight)
        scores = np.array([recorded.scores[i, route[-1]] for i, route in enumerate(routes)])
        return _reached(cost_weight, costs, scores)

    return reach


def _reached(cost_weight: float, costs_usd: np.ndarray, scores: np.ndarray) -> Reached:
    return Reached(cost_weight=cost_weight, cost_usd_per_1k=1000 * _known_mean(costs_usd), quality=_known_mean(scores))


def _known_mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _within_budget(reach: Try, tried: list[Reached], budget: float) -> Reached:
    """The least cost weight that keeps to the budget, between the two that were tried around it."""
    inside = next((i for i, at in enumerate(tried) if at.cost_usd_per_1k <= budget), None)
    if inside is None:
        least = min(at.cost_usd_per_1k for at in tried)
        raise RecipeError(f"no cost weight keeps to ${budget:g} per 1,000 queries; the least is ${least:.4g}")
    best = tried[inside]
    low = tried[inside - 1].cost_weight if inside else best.cost_weight
    for _ in range(HALVINGS if inside else 0):
        at = reach((low + best.cost_weight) / 2.0)
        if at.cost_usd_per_1k <= budget:
            best = at
        else:
            low = at.cost_weight
    return best


def _good_enough(tried: list[Reached], quality: float) -> Reached:
    """The cheapest setting that is good enough."""
    good = [at for at in tried if at.quality >= quality]
    if not good:
        best = max(at.quality for at in tried)
        raise RecipeError(f"no cost weight reaches a quality of {quality:g}; the best is {best:.4g}")
    return min(good, key=lambda at: at.cost_usd_per_1k)
