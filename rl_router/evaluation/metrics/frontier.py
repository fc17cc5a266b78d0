"""Cost against quality: the non-decreasing convex hull, AIQ, and operating points that a fixed model beats.

RouterBench (https://arxiv.org/abs/2403.12031): mixing two operating points at random reaches every point between them,
so a router is worth its upper hull; spending more without gain is always possible, so the hull never falls. AIQ,
average improvement in quality, is the mean height of that hull over a range of costs that all routers share.
"""

from __future__ import annotations

import numpy as np

from rl_router.errors import DataError


def non_decreasing_hull(cost_usd: np.ndarray, quality: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners (cost, quality) of the upper hull of points [p], both rising. Points with an unknown value drop."""
    points = _known_points(cost_usd, quality)
    corners: list[tuple[float, float]] = []
    for point in points:  # by cost, the best of one cost first
        if corners and point[1] <= corners[-1][1]:
            continue
        while len(corners) > 1 and _slope(corners[-2], corners[-1]) <= _slope(corners[-1], point):
            corners.pop()
        corners.append(point)
    costs, heights = zip(*corners, strict=True)
    return np.array(costs), np.array(heights)


def aiq(cost_usd: np.ndarray, quality: np.ndarray, *, low_usd: float, high_usd: float) -> float:
    """Mean height of the hull of a router's points [p] between two costs that every router compared shares.

    Right of its dearest point the hull goes on level. Left of its cheapest one it falls to no answer for no money, the
    null router of the paper: a router that is dear at its cheapest gets no credit for costs it cannot go down to.
    (RouterBench's code, `evaluation/AIQ.py`, drops that part of the area and divides by the largest cost.)
    """
    if not 0 <= low_usd < high_usd:
        raise DataError(f"Expected costs of zero or more that rise, got the range {low_usd:g} to {high_usd:g} USD.")
    costs, heights = non_decreasing_hull(np.append(cost_usd, 0.0), np.append(quality, 0.0))
    inside = costs[(costs > low_usd) & (costs < high_usd)]
    grid = np.concatenate([[low_usd], inside, [high_usd]])
    return float(np.trapezoid(np.interp(grid, costs, heights), grid) / (high_usd - low_usd))


def pareto_front(cost_usd: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """[p] True where no other point is as cheap and as good and better in one of the two."""
    return ~dominated(cost_usd, quality, cost_usd, quality)


def dominated(
    cost_usd: np.ndarray, quality: np.ndarray, fixed_cost_usd: np.ndarray, fixed_quality: np.ndarray
) -> np.ndarray:
    """[p] True for an operating point for which some fixed model [m] is as cheap and as good and better in one.

    Its sum is the number of operating points that a router could replace by one model without any loss.
    """
    cost, height = np.asarray(cost_usd, float)[:, None], np.asarray(quality, float)[:, None]
    other_cost, other_height = np.asarray(fixed_cost_usd, float)[None], np.asarray(fixed_quality, float)[None]
    as_good = (other_cost <= cost) & (other_height >= height)
    return np.any(as_good & ((other_cost < cost) | (other_height > height)), axis=1)


def _known_points(cost_usd: np.ndarray, quality: np.ndarray) -> list[tuple[float, float]]:
    cost, height = np.asarray(cost_usd, float), np.asarray(quality, float)
    known = ~(np.isnan(cost) | np.isnan(height))
    if not known.any():
        raise DataError("No operating point has both a cost and a quality, so there is no frontier.")
    return sorted(zip(cost[known].tolist(), height[known].tolist(), strict=True), key=lambda p: (p[0], -p[1]))


def _slope(left: tuple[float, float], right: tuple[float, float]) -> float:
    return (right[1] - left[1]) / (right[0] - left[0])
