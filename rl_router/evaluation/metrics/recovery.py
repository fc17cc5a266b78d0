"""Two models, one threshold: how much of the strong model's lead a router recovers for how many calls to it.

Performance gap recovered, PGR(s) = (quality(s) − weak) / (strong − weak), where s is the share of queries that go to
the strong model; APGR is its mean over s, CPT(x) the smallest s with PGR(s) ≥ x. https://arxiv.org/abs/2406.18665

Two curves, always labelled, because they do not agree:

* `exact_curve` has a point for every share. Queries that the router scores alike go in no particular order: the curve
  is their expectation, a straight line.
* `eleven_point_curve` does what RouteLLM's own code does (`routellm/evals`, commit 0d78f12): thresholds at the deciles
  of the scores on the test queries themselves. Its biases: it joins eleven points by straight lines, which cuts the
  corners of a concave curve and so understates APGR and overstates CPT of a good router; tied scores move its points
  away from the deciles; and `interpolated_cpt` reads accuracy as if it rose with the share, which it need not.

Neither bounds PGR at 1: where the strong model is wrong and the weak one right, a router can beat the strong model, and
APGR can pass 1. `apgr(curve, clip=True)` counts full recovery as 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rl_router.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryCurve:
    """`quality` [p] at each share of calls to the strong model [p], which rises from 0 to 1."""

    strong_share: np.ndarray
    quality: np.ndarray
    weak: float
    strong: float

    @property
    def recovered(self) -> np.ndarray:
        """[p] PGR; NaN when the strong model is not better."""
        lead = self.strong - self.weak
        return (self.quality - self.weak) / lead if lead > 0 else np.full_like(self.quality, np.nan)


def exact_curve(win_rate: np.ndarray, weak: np.ndarray, strong: np.ndarray) -> RecoveryCurve:
    """Every share. `win_rate` [n]: the higher, the sooner the query goes to the strong model. Ungraded queries drop."""
    win_rate, weak, strong = _graded(win_rate, weak, strong)
    order = np.argsort(-win_rate, kind="stable")
    gain = np.concatenate([[0.0], np.cumsum((strong - weak)[order])])
    ranked = win_rate[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1  # a tie is crossed as a whole
    at = np.concatenate([[0], ends])
    n = len(ranked)
    return RecoveryCurve(
        strong_share=at / n, quality=weak.mean() + gain[at] / n, weak=float(weak.mean()), strong=float(strong.mean())
    )


def eleven_point_curve(win_rate: np.ndarray, weak: np.ndarray, strong: np.ndarray) -> RecoveryCurve:
    """RouteLLM's points: at each decile everything at or above it goes to the strong model, at the last one nothing.

    Where two deciles coincide, because scores are tied, RouteLLM's code stops; here the point is there twice.
    """
    win_rate, weak, strong = _graded(win_rate, weak, strong)
    deciles = np.quantile(win_rate, np.linspace(0, 1, 11))
    to_strong = win_rate[None, :] >= deciles[:, None]  # [11, n]
    to_strong[-1] = win_rate > deciles[-1]
    share = to_strong.mean(axis=1)
    quality = np.where(to_strong, strong, weak).mean(axis=1)
    order = np.argsort(share, kind="stable")
    return RecoveryCurve(
        strong_share=share[order], quality=quality[order], weak=float(weak.mean()), strong=float(strong.mean())
    )


def apgr(curve: RecoveryCurve, *, clip: bool = False) -> float:
    """Area under PGR over the share of strong calls. Random routing has 0.5. `clip`: more than the lead counts as 1."""
    if not clip:
        return float(np.trapezoid(curve.recovered, curve.strong_share))
    return _area_below_one(curve.strong_share, curve.recovered)


def cpt(curve: RecoveryCurve, target: float) -> float:
    """CPT(target): the smallest share of strong calls that recovers `target` (0.5, 0.8) of the lead, in [0, 1].

    Straight lines between the points; NaN when no share does.
    """
    share, recovered = curve.strong_share, curve.recovered
    reached = np.flatnonzero(recovered >= target)
    if not len(reached):
        return float("nan")
    first = reached[0]
    if first == 0:
        return float(share[0])
    rise = (target - recovered[first - 1]) / (recovered[first] - recovered[first - 1])
    return float(share[first - 1] + rise * (share[first] - share[first - 1]))


def interpolated_cpt(curve: RecoveryCurve, target: float) -> float:
    """CPT(target) as RouteLLM's code reads it off its points: numpy's interp over quality, as if that only rose."""
    return float(np.interp(curve.weak + target * (curve.strong - curve.weak), curve.quality, curve.strong_share))


def _area_below_one(x: np.ndarray, y: np.ndarray) -> float:
    """∫ min(y, 1) dx of a polygon, exact: segments that cross 1 are cut where they do."""
    (x0, x1), (y0, y1) = (x[:-1], x[1:]), (y[:-1], y[1:])
    crosses = (y0 - 1) * (y1 - 1) < 0
    cut = np.where(crosses, (1 - y0) / np.where(crosses, y1 - y0, 1.0), 0.0)
    low0, low1 = np.minimum(y0, 1), np.minimum(y1, 1)
    whole = (low0 + low1) / 2
    split = cut * (low0 + 1) / 2 + (1 - cut) * (1 + low1) / 2
    return float(np.sum(np.where(crosses, split, whole) * (x1 - x0)))


def _graded(win_rate: np.ndarray, weak: np.ndarray, strong: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    win_rate, weak, strong = (np.asarray(values, float) for values in (win_rate, weak, strong))
    if not (win_rate.shape == weak.shape == strong.shape and win_rate.ndim == 1):
        raise DataError(f"Expected three columns [n], got {win_rate.shape}, {weak.shape} and {strong.shape}.")
    graded = ~(np.isnan(weak) | np.isnan(strong))
    if not graded.any():
        raise DataError("No query has a grade of both models, so no recovery curve can be drawn.")
    if np.isnan(win_rate[graded]).any():
        raise DataError("The router scored some queries as NaN; every graded query needs a score.")
    return win_rate[graded], weak[graded], strong[graded]
