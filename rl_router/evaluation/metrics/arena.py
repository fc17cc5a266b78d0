"""RouterArena's score: accuracy and cost on a log scale, in a weighted harmonic mean that leans to accuracy.

https://arxiv.org/abs/2510.00202; the constants are those of `compute_arena_score` in `llm_evaluation/run.py` of
RouteWorks/RouterArena.
"""

from __future__ import annotations

import math

BETA = 0.1
CHEAPEST_USD_PER_THOUSAND = 0.0044
DEAREST_USD_PER_THOUSAND = 200.0


def arena_score(quality: float, usd_per_thousand: float) -> float:
    """In [0, 1]. S = (1 + β) · A · C / (β · A + C), where C is 1 at the cheapest cost and 0 at the dearest.

    A cost outside the range counts as its end, so that a free model has a score.
    """
    if math.isnan(quality) or math.isnan(usd_per_thousand):
        return float("nan")
    cost = min(max(usd_per_thousand, CHEAPEST_USD_PER_THOUSAND), DEAREST_USD_PER_THOUSAND)
    octaves = math.log2(DEAREST_USD_PER_THOUSAND / CHEAPEST_USD_PER_THOUSAND)
    thrift = math.log2(DEAREST_USD_PER_THOUSAND / cost) / octaves
    weight = BETA * quality + thrift
    return (1 + BETA) * quality * thrift / weight if weight > 0 else 0.0
