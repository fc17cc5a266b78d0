"""LLMRouterBench's three numbers for a router with several operating points, against the best single model.

Its README says in words what they are (https://github.com/ynulihao/LLMRouterBench; paper arXiv 2601.07206, whose
equations we could not reach): PerfGain, "maximum performance improvement over the best single model"; CostSave, "cost
reduction achieved while maintaining comparable accuracy to the best single model"; ParetoDist, "average distance to the
Pareto frontier". The formulas below are our reading: improvement is in points of quality, comparable means at least as
good, and distance is Euclidean to the nearest point of the frontier with both axes scaled to [0, 1].
"""

from __future__ import annotations

import numpy as np

from rl_router.evaluation.metrics.frontier import pareto_front


def perf_gain(quality: np.ndarray, single_quality: float) -> float:
    """Points of quality by which the best operating point [p] beats the best single model; negative if none does."""
    return float(np.nanmax(quality) - single_quality)


def cost_save(cost_usd: np.ndarray, quality: np.ndarray, *, single_cost_usd: float, single_quality: float) -> float:
    """1 − cost of the cheapest point as good as the best single model / that model's cost; NaN when none is as good."""
    as_good = np.asarray(quality) >= single_quality
    if not as_good.any() or not single_cost_usd > 0:
        return float("nan")
    return float(1 - np.nanmin(np.asarray(cost_usd)[as_good]) / single_cost_usd)


def pareto_dist(cost_usd: np.ndarray, quality: np.ndarray, all_cost_usd: np.ndarray, all_quality: np.ndarray) -> float:
    """Mean distance of a router's points [p] to the Pareto front of `all` points: every router's and every model's.

    0 when all its points are on the front. The axes are scaled by the smallest and largest value among `all`.
    """
    everything = np.column_stack([all_cost_usd, all_quality]).astype(float)
    everything = everything[~np.isnan(everything).any(axis=1)]
    low, span = everything.min(axis=0), np.ptp(everything, axis=0)
    span = np.where(span > 0, span, 1.0)
    front = (everything[pareto_front(everything[:, 0], everything[:, 1])] - low) / span  # [f, 2]
    own = (np.column_stack([cost_usd, quality]) - low) / span  # [p, 2]
    distance = np.linalg.norm(own[:, None] - front[None], axis=2).min(axis=1)
    return float(np.nanmean(distance))
