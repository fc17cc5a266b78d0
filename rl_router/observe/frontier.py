"""The cost/quality frontier and the reward at each cost weight, with every router and its error bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rl_router.errors import CheckpointError
from rl_router.observe.charts import Axis, escape, frame, linear_axis, log_axis, polyline, svg, text, text_width
from rl_router.observe.files import write_text
from rl_router.observe.formats import dial_name, per_thousand, plus_minus, setting
from rl_router.observe.looks import CHART_STYLE, DARK, LIGHT, Look, in_order, look
from rl_router.observe.run_folder import RunFolder

Row = Mapping[str, Any]
_BOLD_PX = 13  # bold words of 11 px are about as wide as plain ones of 13
Box = tuple[float, float, float, float]  # left, top, right, bottom


def frontier_svg(rows: Sequence[Row], *, width: int = 860, extra: str = "") -> str:
    """Quality against cost. A router whose point does not move with λ is drawn once; bars are two standard errors."""
    height = round(0.52 * width) if width > 500 else round(0.8 * width)
    routers = in_order({row["router"] for row in rows})
    legend, legend_px = _legend(routers, width, height - 6)
    bottom = height - legend_px - 46
    costs = [1000 * row["cost_usd"] for row in rows]
    spread = [b for row in rows for b in _bar(row, "quality")]
    y = linear_axis(spread, bottom, 30, about=7)
    left, right = 14 + max(text_width(label) for label in y.labels), width - 18.0
    positive = min(costs) > 0 and max(costs) / min(costs) > 8
    x = log_axis(costs, left, right, "$") if positive else linear_axis([0.0, *costs], left, right, 6, "$")
    scale = ", log scale" if x.log else ""
    body = [frame(x, y, f"cost of 1,000 queries{scale}", "quality (share answered right)"), legend]
    taken: list[Box] = []
    labels = []
    for router in reversed(routers):  # the policy last, on top
        shown, points = look(router), _points(rows, router)
        spots = [(1000 * row["cost_usd"], row["quality"]) for row in points]
        if shown.dash is not None and len(spots) > 1:
            body.append(polyline(spots, x, y, shown.colour, width=2.4 if shown.bold else 1.4, dash=shown.dash))
            if shown.bold:
                taken += _along([(x.at(a), y.at(b)) for a, b in spots])
        for row, (cost, quality) in zip(points, spots, strict=True):
            at = (x.at(cost), y.at(quality))
            body.append(error_bar(at[0], [y.at(b) for b in _bar(row, "quality")], shown))
            body.append(mark(*at, shown, hover(row, len(points) > 1)))
            taken.append((at[0] - 7, at[1] - 7, at[0] + 7, at[1] + 7))
            if shown.bold and len(points) > 1:
                labels.append((*at, setting(row["cost_weight"]).replace(" ", "")))
    for a, b, words in labels:
        spot = _free_spot(a, b, text_width(words, _BOLD_PX), taken, (left, 30.0, right, bottom))
        if spot:
            taken.append((spot[0], spot[1] - 10, spot[0] + text_width(words, _BOLD_PX), spot[1] + 2))
            body.append(text(*spot, words, kind="point"))
    return svg("".join(body), width, height, "Cost and quality of every router", extra)


def reward_svg(rows: Sequence[Row], *, width: int = 640, extra: str = "") -> str:
    """Reward at each cost weight, one place per weight; routers stand side by side so that bars do not hide bars."""
    height = round(0.62 * width) if width > 500 else round(0.8 * width)
    routers = in_order({row["router"] for row in rows})
    weights = sorted({row["cost_weight"] for row in rows if row["cost_weight"] is not None})
    legend, legend_px = _legend(routers, width, height - 6)
    y = linear_axis([b for row in rows for b in _bar(row, "reward")], height - legend_px - 46, 30, about=7)
    left, right = 14 + max(text_width(label) for label in y.labels), width - 12.0
    places = tuple(range(-1, len(weights) + 1))
    names = ("", *(setting(w) for w in weights), "")
    gap = (right - left) / len(weights)
    x = Axis(ticks=places, labels=names, start_px=left - gap / 2, end_px=right + gap / 2)
    ground = Axis(ticks=(0, 1), labels=("", ""), start_px=left, end_px=right)
    body = [
        frame(
            ground, y, f"{'budget' if dial_name(weights) == 'budget' else 'cost weight'} given to the router", "reward"
        ),
        legend,
    ]
    body += [text(x.at(i), y.start_px + 16, names[i + 1], anchor="middle") for i in range(len(weights))]
    for index, router in enumerate(routers):
        shown = look(router)
        shift = (index - (len(routers) - 1) / 2) * min(gap * 0.8 / len(routers), 16)
        for row in _by_weight(rows, router):
            at = (x.at(weights.index(row["cost_weight"])) + shift, y.at(row["reward"]))
            body.append(error_bar(at[0], [y.at(b) for b in _bar(row, "reward")], shown))
            body.append(mark(*at, shown, hover(row, True)))
    return svg("".join(body), width, height, "Reward of every router at each cost weight", extra)


def write_frontier_svg(folder: RunFolder, path: Path) -> Path:
    """The frontier of a run as one picture that stands alone and follows the reader's light or dark scheme."""
    rows = folder.read_rows(folder.results)
    if not rows:
        raise CheckpointError(f"expected rows in {folder.results} to draw the frontier from: evaluate the run first")
    style = (
        f"<style>svg{{{LIGHT};background:var(--paper)}}{CHART_STYLE}"
        f"@media (prefers-color-scheme:dark){{svg{{{DARK}}}}}</style>"
    )
    picture = frontier_svg(rows, extra=' width="860"')
    write_text(path, picture.replace(">", f">{style}", 1) + "\n")
    return path


def hover(row: Row, with_weight: bool) -> str:
    weight = f", {setting(row['cost_weight'])}" if with_weight else ""
    return (
        f"{look(row['router']).label}{weight}: quality {plus_minus(row['quality'], row.get('quality_se'))},"
        f" {per_thousand(row['cost_usd'])} per 1,000 queries, reward {plus_minus(row['reward'], row.get('reward_se'))}"
    )


def mark(x: float, y: float, shown: Look, title: str = "") -> str:
    r = 5.5 if shown.bold else 4.5
    fill = "var(--paper)" if shown.hollow else shown.colour
    style = f'style="fill:{fill};stroke:{shown.colour}" stroke-width="1.6"'
    inner = f"<title>{escape(title)}</title>" if title else ""
    if shown.mark == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" {style}>{inner}</circle>'
    if shown.mark == "cross":
        lines = f"M{x - r:.1f} {y - r:.1f}l{2 * r} {2 * r}m0 {-2 * r}l{-2 * r} {2 * r}"
        return f'<path d="{lines}" style="fill:none;stroke:{shown.colour}" stroke-width="2.4">{inner}</path>'
    corners = " ".join(f"{x + r * a:.1f},{y + r * b:.1f}" for a, b in _CORNERS[shown.mark])
    return f'<polygon points="{corners}" {style}>{inner}</polygon>'


def error_bar(x: float, ends: Sequence[float], shown: Look) -> str:
    (a, b), cap = ends, 3
    if abs(a - b) < 1:
        return ""
    path = f"M{x:.1f} {a:.1f}V{b:.1f}M{x - cap:.1f} {a:.1f}h{2 * cap}M{x - cap:.1f} {b:.1f}h{2 * cap}"
    return f'<path d="{path}" style="stroke:{shown.colour}" stroke-width="1.2" opacity="0.75" fill="none"/>'


_STAR = tuple(
    (
        math.sin(n * math.pi / 5) * (1.25 if n % 2 == 0 else 0.55),
        -math.cos(n * math.pi / 5) * (1.25 if n % 2 == 0 else 0.55),
    )
    for n in range(10)
)
_CORNERS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    "up": ((0, -1.2), (1.1, 0.8), (-1.1, 0.8)),
    "down": ((0, 1.2), (1.1, -0.8), (-1.1, -0.8)),
    "star": _STAR,
}


def _bar(row: Row, name: str) -> tuple[float, float]:
    error = row.get(f"{name}_se") or 0.0
    return row[name] - 2 * error, row[name] + 2 * error


def _by_weight(rows: Sequence[Row], router: str) -> list[Row]:
    mine = [row for row in rows if row["router"] == router and row["cost_weight"] is not None]
    return sorted(mine, key=lambda row: row["cost_weight"])


def _points(rows: Sequence[Row], router: str) -> list[Row]:
    """The rows of a router by λ, or the first alone when all of them are one point."""
    mine = sorted((row for row in rows if row["router"] == router), key=lambda row: row["cost_weight"] or 0)
    return mine[:1] if len({(row["cost_usd"], row["quality"]) for row in mine}) == 1 else mine


def _legend(routers: Sequence[str], width: int, baseline: float) -> tuple[str, float]:
    """The legend's lines and the height that they take, growing upwards from `baseline`."""
    lines: list[list[str]] = [[]]
    used = 0.0
    for router in routers:
        need = 24 + text_width(look(router).label)
        if lines[-1] and used + need > width - 12:
            lines.append([])
            used = 0.0
        lines[-1].append(router)
        used += need
    parts = []
    for index, line in enumerate(lines):
        at, y = 12.0, baseline - 17 * (len(lines) - 1 - index)
        for router in line:
            parts.append(mark(at, y - 4, look(router)) + text(at + 10, y, look(router).label))
            at += 24 + text_width(look(router).label)
    return "".join(parts), 17.0 * len(lines)


def _free_spot(x: float, y: float, width: float, taken: Sequence[Box], room: Box) -> tuple[float, float] | None:
    """Where a label of this width touches nothing; None when there is no such place (its hover title remains)."""
    # frontiers rise to the right, so the lower right and the upper left are free more often
    for dx, dy in ((7, 17), (-width - 7, -8), (10, 4), (-width / 2, 21), (-width / 2, -12), (-width - 10, 4), (7, -9)):
        box = (x + dx, y + dy - 10, x + dx + width, y + dy + 2)
        inside = room[0] <= box[0] and box[2] <= room[2] and room[1] <= box[1] and box[3] <= room[3]
        if inside and not any(_overlap(box, other) for other in taken):
            return x + dx, y + dy
    return None


def _along(spots: Sequence[tuple[float, float]]) -> list[Box]:
    """Small boxes along a line, so that labels keep off it."""
    boxes = []
    for (ax, ay), (bx, by) in pairwise(spots):
        pieces = max(1, round(math.hypot(bx - ax, by - ay) / 6))
        for n in range(pieces + 1):
            px, py = ax + (bx - ax) * n / pieces, ay + (by - ay) * n / pieces
            boxes.append((px - 2, py - 2, px + 2, py + 2))
    return boxes


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
