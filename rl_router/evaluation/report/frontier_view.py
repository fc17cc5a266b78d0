"""Cost against quality: every operating point, each router's non-decreasing hull, and a band of two standard errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import pairwise

import numpy as np

from rl_router.evaluation.metrics.frontier import non_decreasing_hull
from rl_router.evaluation.report.looks import looks_of
from rl_router.evaluation.report.summary import Summary, block_of
from rl_router.evaluation.suite.results import Point
from rl_router.observe import page
from rl_router.observe.charts import Axis, escape, frame, linear_axis, log_axis, polyline, svg, text_width
from rl_router.observe.formats import cost_weight, per_thousand, plus_minus
from rl_router.observe.frontier import mark
from rl_router.observe.looks import Look

WIDE_RANGE = 20
"""Costs that span more than this factor are drawn on a logarithmic axis."""
MOST_CURVES = 8
"""So many routers that are no reference rows are shown at first; more lines at once cannot be told apart."""


def frontier(summary: Summary) -> str:
    """Two drawings, for screens and for phones, under one legend whose boxes show and hide routers."""
    points = {router: found for router, found in _points(summary).items() if found}
    if not points:
        return page.paragraph("No costs are known, so there is no frontier to draw.", "dim")
    looks = looks_of(summary)
    drawings = (
        f'<div class="wide">{_svg(points, looks, 1000)}</div><div class="narrow">{_svg(points, looks, 380)}</div>'
    )
    words = (
        "Up and left is better. Lines are non-decreasing hulls: what mixing a router's own settings reaches. Bands are"
        " two standard errors. Point at a mark for its numbers, at a name for its line."
    )
    hidden = _hidden(summary, points)
    if hidden:
        words += f" The {MOST_CURVES} routers of the highest AIQ are shown first, the boxes show {len(hidden)} more."
    return f"<div data-frontier>{_legend(summary, points, looks, hidden)}{page.figure(drawings, words)}</div>"


def _hidden(summary: Summary, points: Mapping[str, Sequence[Point]]) -> set[str]:
    """Routers that are not shown before their box is ticked."""
    mine = [w for w in summary.worths if w.router in points and block_of(w).startswith("routers")]
    return {worth.router for worth in sorted(mine, key=lambda worth: -(worth.aiq or 0.0))[MOST_CURVES:]}


def _points(summary: Summary) -> dict[str, list[Point]]:
    """The different operating points of each router that have a cost."""
    found: dict[str, list[Point]] = {worth.router: [] for worth in summary.worths}
    for point in summary.points:
        mine = found[point.router]
        seen = {(other.cost_usd, other.quality) for other in mine}
        if point.cost_usd is not None and (point.cost_usd, point.quality) not in seen:
            mine.append(point)
    return found


def _svg(points: Mapping[str, Sequence[Point]], looks: Mapping[str, Look], width: int) -> str:
    height = round(0.5 * width) if width > 500 else round(0.9 * width)
    every = [point for mine in points.values() for point in mine]
    costs = [1000 * point.cost_usd for point in every if point.cost_usd is not None]
    ends = [end for point in every for end in (_low(point), _high(point))]
    y = linear_axis(ends, height - 46, 30, about=7)
    left, right = 14 + max(text_width(label) for label in y.labels), width - 14.0
    is_log = min(costs) > 0 and max(costs) > WIDE_RANGE * min(costs)
    x = (log_axis if is_log else linear_axis)(costs, left, right, prefix="$")
    body = [frame(x, y, "cost of 1,000 queries" + (", logarithmic" if is_log else ""), "quality")]
    models = [router for router in points if router.startswith("model:")]
    for router in reversed([router for router in points if router not in models]):  # the first routers on top
        body.append(_group(router, _router(router, points[router], looks[router], x, y)))
    names = "".join(_mark(point, looks[router], router, x, y) for router in models for point in points[router])
    body.insert(1, _group("single models", names))
    return svg("".join(body), width, height, "Cost and quality of every router")


def _router(router: str, points: Sequence[Point], look: Look, x: Axis, y: Axis) -> str:
    parts = []
    if len(points) > 1:
        corners = _corners(points)
        upper = [(1000 * (p.cost_usd or 0.0), _high(p)) for p in corners]
        lower = [(1000 * (p.cost_usd or 0.0), _low(p)) for p in reversed(corners)]
        outline = " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in _mixed(upper) + _mixed(lower))
        parts.append(f'<polygon points="{outline}" style="fill:{look.colour}" opacity="0.13"/>')
        spots = [(1000 * (p.cost_usd or 0.0), p.quality) for p in corners]
        parts.append(polyline(_mixed(spots), x, y, look.colour, width=2.2 if look.bold else 1.4, dash=look.dash or ""))
    return "".join(parts) + "".join(_mark(point, look, router, x, y) for point in points)


def _mixed(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners and points between them: a mixture is straight in cost, and so is bent on a logarithmic axis."""
    steps = np.linspace(0, 1, 25)[1:]
    found = list(corners[:1])
    for (a, b), (c, d) in pairwise(corners):
        found += [(float(a + t * (c - a)), float(b + t * (d - b))) for t in steps]
    return found


def _corners(points: Sequence[Point]) -> list[Point]:
    """The points that are corners of the router's hull, by cost."""
    cost = np.array([point.cost_usd for point in points], dtype=float)
    costs, heights = non_decreasing_hull(cost, np.array([point.quality for point in points]))
    corners = set(zip(costs.tolist(), heights.tolist(), strict=True))
    return sorted((p for p in points if (p.cost_usd, p.quality) in corners), key=lambda p: p.cost_usd or 0.0)


def _mark(point: Point, look: Look, router: str, x: Axis, y: Axis) -> str:
    at_y = y.at(point.quality)
    bar = f"M{x.at(1000 * (point.cost_usd or 0)):.1f} {y.at(_low(point)):.1f}V{y.at(_high(point)):.1f}"
    words = (
        f"{router}, λ = {cost_weight(point.cost_weight)}: quality {plus_minus(point.quality, point.quality_se)},"
        f" {per_thousand(point.cost_usd)} per 1,000 queries"
    )
    return f'<path d="{bar}" style="stroke:{look.colour}" stroke-width="1" opacity="0.6" fill="none"/>' + mark(
        x.at(1000 * (point.cost_usd or 0)), at_y, look, words
    )


def _group(name: str, body: str) -> str:
    return f'<g data-router="{escape(name)}">{body}</g>'


def _legend(
    summary: Summary, points: Mapping[str, Sequence[Point]], looks: Mapping[str, Look], hidden: Set[str]
) -> str:
    names = [w.router for w in summary.worths if w.router in points and block_of(w) != "single models"]
    shown = [*names, *({"single models"} if any(r.startswith("model:") for r in points) else ())]
    parts = [f'<label><input type="checkbox" data-all{"" if hidden else " checked"}> all</label>']
    for name in shown:
        look = looks[name] if name in looks else next(looks[r] for r in points if r.startswith("model:"))
        symbol = f'<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">{mark(8, 8, look)}</svg>'
        ticked = "" if name in hidden else " checked"
        parts.append(
            f'<label><input type="checkbox" value="{escape(name)}"{ticked}>{symbol} {escape(look.label)}</label>'
        )
    return f'<fieldset class="legend"><legend class="dim">shown</legend>{"".join(parts)}</fieldset>'


def _low(point: Point) -> float:
    return point.quality - 2 * (point.quality_se or 0.0)


def _high(point: Point) -> float:
    return point.quality + 2 * (point.quality_se or 0.0)
