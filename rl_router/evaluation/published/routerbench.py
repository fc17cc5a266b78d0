"""RouterBench's AIQ on a part of its data: the zero router, which mixes models blindly, and the oracle.

The files are the three tasks that the RouterDC repository carries (ARC-Challenge, MBPP, Winogrande; 947 test queries,
11 models, recorded answers and costs), not the whole benchmark, so the figures are of this part.
"""

from __future__ import annotations

import numpy as np

from rl_router.data.table import RoutingTable
from rl_router.evaluation.metrics.frontier import aiq
from rl_router.evaluation.metrics.oracle import oracle_choices
from rl_router.evaluation.metrics.selection import chosen
from rl_router.evaluation.published.figure import REFERENCE, Figure

SUITE = "RouterBench, three tasks"
TOLERANCE = 0.002
USD_PER_POINT = np.concatenate([[0.0], np.logspace(0, 7, 200)])
"""How much quality a dollar is worth: from money is no object to money is everything."""


def figures(table: RoutingTable) -> list[Figure]:
    test = table.select(split="test")
    quality, cost_usd = test.matrix("score"), test.matrix("cost_usd")
    single_cost, single_quality = cost_usd.mean(axis=0), quality.mean(axis=0)
    low, high = float(single_cost.min()), float(single_cost.max())
    zero = aiq(single_cost, single_quality, low_usd=low, high_usd=high)
    oracle = aiq(*oracle_frontier(quality, cost_usd), low_usd=low, high_usd=high)
    rows = (("zero router", 0.823, zero), ("oracle", 0.975, oracle))
    return [
        Figure(
            suite=SUITE,
            quantity=f"AIQ of the {name}",
            published=published,
            ours=ours,
            tolerance=TOLERANCE,
            decimals=3,
            n=len(quality),
            source=REFERENCE,
            note="cheapest to dearest model",
        )
        for name, published, ours in rows
    ]


def oracle_frontier(quality: np.ndarray, cost_usd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Operating points (mean cost [p], mean quality [p]) of an oracle that weighs quality against cost."""
    points = []
    for weight in USD_PER_POINT:
        choices = oracle_choices(quality - weight * cost_usd, cost_usd)
        points.append((chosen(cost_usd, choices).mean(), chosen(quality, choices).mean()))
    costs, heights = np.array(points).T
    return costs, heights
