"""What an evaluation found, in sentences that claim no difference that the test does not find."""

from __future__ import annotations

from rl_router.evaluation.report.summary import Summary, block_of
from rl_router.evaluation.suite.results import Point
from rl_router.evaluation.suite.verdicts import REFERENCE
from rl_router.observe.formats import cost_weight, listed, per_thousand, signed

_NOT_RANKED = ("oracle",)


def headline(summary: Summary) -> list[str]:
    """One sentence on the least cost weight, then one on each other."""
    return [_at(summary, weight) for weight in summary.cost_weights]


def _at(summary: Summary, weight: float) -> str:
    """The router of the highest utility, whom it cannot be told from, and whether it beats the best single model."""
    points = [
        p
        for p in summary.by_weight[weight]
        if block_of(p) != "single models" and p.router not in _NOT_RANKED and p.utility is not None
    ]
    if not points:
        return f"At λ = {cost_weight(weight)} nothing could be scored."
    best = max(points, key=lambda p: p.utility or 0.0)
    money = "" if best.cost_usd is None else f" and {per_thousand(best.cost_usd)} per 1,000 queries"
    words = f"At λ = {cost_weight(weight)}, {best.router} has the highest utility (quality {best.quality:.3f}{money})"
    against = None if best.router == REFERENCE else summary.verdict(best.router, REFERENCE, weight)
    if against is not None and against.verdict == "better":
        words += f", {signed(against.difference)} above the best single model"
    elif against is not None:
        words += ", no difference from the best single model"
    return words + _ties(summary, best, points) + "."


def _ties(summary: Summary, best: Point, points: list[Point]) -> str:
    tied = [
        p.router
        for p in points
        if p.router not in (best.router, REFERENCE)
        and (found := summary.verdict(best.router, p.router, best.cost_weight)) is not None
        and found.verdict == "no difference"
    ]
    if not tied:
        return ""
    shown = tied if len(tied) <= 4 else [*tied[:3], f"{len(tied) - 3} more"]
    return f"; it cannot be told from {listed(shown)}"
