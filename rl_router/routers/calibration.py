"""Calibration: set a router's dial from what people know, a share of strong calls, a budget or a quality.

It is measured on a table or on one's own traffic. Where a table records what the chosen models scored and cost, that is
what counts; of traffic alone, the router's own predictions are. The result is saved with the router.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rl_router.errors import PoolError, RecipeError
from rl_router.routers.observations import Observations
from rl_router.routers.pair import PairThreshold
from rl_router.routers.router import Calibration, Router
from rl_router.routers.rule import Candidates
from rl_router.types import Query

Goal = Literal["strong_pct", "budget_usd_per_1k", "quality_target"]
COST_WEIGHTS = (0.0, *np.geomspace(1e-4, 1e3, 141).tolist())
HALVINGS = 20


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Means over the queries that a setting of the dial was tried on; NaN where nothing is known."""

    cost_weight: float
    cost_usd_per_1k: float
    quality: float


def calibrate(
    router: Router, goal: Goal, target: float, queries: Sequence[Query], recorded: Observations | None = None
) -> Calibration:
    """Set `router.calibration_`, and for a share of strong calls its rule. RecipeError when the goal is out of reach.

    `recorded` has the answers to `queries`, in the same order, for some or all of the router's models.
    """
    models = router.models_ if recorded is None else recorded.models
    candidates = router.candidates(queries, models=models)
    if goal == "strong_pct":
        router.calibration_ = _strong_share(router, target, candidates, recorded)
        return router.calibration_
    if np.isnan(candidates.costs_usd).any() or router.cost_reference_usd_ is None:
        raise PoolError(
            "this router knows no price for some model, so neither a budget nor the cheapest way to a quality can be"
            " found: fit it on a table with costs or with prices=POOL, or calibrate with --strong-pct"
        )
    if not router.has_dial:
        raise RecipeError(f"a router of kind {type(router).__name__.lower()} has no dial to set")
    tried = [_reached(router, candidates, weight, recorded) for weight in COST_WEIGHTS]
    if goal == "quality_target":
        found = _good_enough(tried, target)
    else:
        found = _within_budget(router, candidates, recorded, tried, target)
    router.calibration_ = Calibration(
        goal=goal, target=target, cost_weight=found.cost_weight, threshold=None, strong_share=None,
        cost_usd_per_1k=found.cost_usd_per_1k, quality=found.quality, queries=len(queries),
        measured="predicted" if recorded is None else "recorded",
    )  # fmt: skip
    return router.calibration_


def use_threshold(router: Router, threshold: float, costs_usd: np.ndarray | None = None) -> PairThreshold:
    """Let the router choose between its strong and its weak model at this win rate, as `router-NAME-0.3` asks."""
    if not 0.0 <= threshold <= 1.0:
        raise RecipeError(f"expected a threshold between 0 and 1, got {threshold:g}")
    rule = router.rule_
    if not isinstance(rule, PairThreshold):
        if len(router.models_) < 2:
            raise RecipeError(f"a threshold chooses between two models, and this router has only {router.models_[0]}")
        rule = PairThreshold()
        rule.strong_ = router.models_[int(router.mean_scores_.argmax())]
        sizes = router.mean_scores_ if costs_usd is None or np.isnan(costs_usd).any() else costs_usd.mean(axis=0)
        order = [router.models_[j] for j in np.argsort(sizes, kind="stable")]
        rule.weak_ = next(model for model in order if model != rule.strong_)
    rule.threshold = threshold
    router.rule_ = rule
    return rule


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
    all_costs = router.costs_usd(candidates.queries)
    rule = use_threshold(router, 0.5, all_costs)
    missing = [name for name in (rule.strong_, rule.weak_) if name not in candidates.models]
    if missing:
        raise RecipeError(f"calibrating needs rows of {missing[0]!r}, which this table has not")
    rates = np.sort(rule.win_rates(candidates))[::-1]
    k = round(share * len(rates))
    beyond = [min(1.0, rates[0] + 1e-6), *((rates[1:] + rates[:-1]) / 2.0), rates[-1]]  # between k and k + 1 strong
    rule.threshold = float(np.clip(beyond[k], 0.0, 1.0))
    reached = _reached(router, candidates, 0.0, recorded)
    return Calibration(
        goal="strong_pct", target=share, cost_weight=0.0, threshold=rule.threshold,
        strong_share=float((rates >= rule.threshold).mean()), cost_usd_per_1k=reached.cost_usd_per_1k,
        quality=reached.quality, queries=len(rates), measured="predicted" if recorded is None else "recorded",
    )  # fmt: skip


def _reached(router: Router, candidates: Candidates, cost_weight: float, recorded: Observations | None) -> Reached:
    decisions = router.rule_.decide(replace(candidates, cost_weight=cost_weight))
    chosen = [candidates.models.index(decision.model) for decision in decisions]
    rows = np.arange(len(chosen))
    scores = candidates.scores if recorded is None else recorded.scores
    costs = candidates.costs_usd if recorded is None else recorded.costs_usd
    scores, costs = scores[rows, chosen], costs[rows, chosen]
    return Reached(cost_weight=cost_weight, cost_usd_per_1k=1000 * _known_mean(costs), quality=_known_mean(scores))


def _known_mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _within_budget(
    router: Router, candidates: Candidates, recorded: Observations | None, tried: list[Reached], budget: float
) -> Reached:
    """The least cost weight that keeps to the budget, between the two that were tried around it."""
    inside = next((i for i, at in enumerate(tried) if at.cost_usd_per_1k <= budget), None)
    if inside is None:
        least = min(at.cost_usd_per_1k for at in tried)
        raise RecipeError(f"no cost weight keeps to ${budget:g} per 1,000 queries; the least is ${least:.4g}")
    best = tried[inside]
    low = tried[inside - 1].cost_weight if inside else best.cost_weight
    for _ in range(HALVINGS if inside else 0):
        at = _reached(router, candidates, (low + best.cost_weight) / 2.0, recorded)
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
