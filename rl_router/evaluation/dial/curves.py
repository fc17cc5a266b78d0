"""Learning curves of a dial as one picture: a panel per cost weight, a line per seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rl_router.observe.charts import frame, linear_axis, polyline, running_mean, svg, text, text_width
from rl_router.observe.formats import cost_weight
from rl_router.observe.looks import CHART_STYLE, DARK, LIGHT

WIDTH, HEIGHT, COLUMNS = 270, 190, 4
WINDOW = 9
COLOURS = ("var(--policy)", "var(--policy_blind)", "var(--cheapest)", "var(--warm_start)", "var(--random)")


def learning_curves(runs: Mapping[str, Sequence[Mapping[str, Any]]], best: Mapping[float, float]) -> str:
    """`runs` maps a name to the rows of its metrics.jsonl; `best` is the best table's reward at each cost weight.

    Rewards of sampled training episodes, as means of nine steps. The dashed line is the best table on held-out
    questions, played greedily: a policy that still explores stays below it.
    """
    panels = []
    for place, weight in enumerate(sorted(best)):
        x0, y0 = WIDTH * (place % COLUMNS), 22 + HEIGHT * (place // COLUMNS)
        panels.append(f'<g transform="translate({x0} {y0})">{_panel(runs, weight, best[weight])}</g>')
    width, height = WIDTH * min(COLUMNS, len(best)), 22 + HEIGHT * -(-len(best) // COLUMNS)
    legend, at = [], 4.0
    for name, colour in zip(runs, COLOURS, strict=False):
        legend.append(text(at, 14, name, fill=colour, kind="point"))
        at += text_width(name, 13) + 14
    style = f"<style>svg{{{LIGHT};background:var(--paper)}}@media(prefers-color-scheme:dark){{svg{{{DARK}}}}}"
    label = "Reward over training steps at each cost weight"
    return svg(style + CHART_STYLE + "</style>" + "".join(legend + panels), width, height, label)


def _panel(runs: Mapping[str, Sequence[Mapping[str, Any]]], weight: float, best: float) -> str:
    key = f"reward/at_{weight:g}"
    lines = {name: [(row["step"], row[key]) for row in rows if key in row] for name, rows in runs.items()}
    smooth = {
        name: list(zip([s for s, _ in points], running_mean([r for _, r in points], WINDOW), strict=True))
        for name, points in lines.items()
        if points
    }
    rewards = [r for points in smooth.values() for _, r in points] + [best]
    steps = [s for points in smooth.values() for s, _ in points] or [0, 1]
    y = linear_axis(rewards, HEIGHT - 40, 26, about=4)
    x = linear_axis([0, max(steps)], 14 + max(text_width(label) for label in y.labels), WIDTH - 12, about=4)
    body = [text(4, 14, f"reward at λ = {cost_weight(weight)}", kind="name"), frame(x, y, "step", "")]
    body.append(polyline([(0, best), (max(steps), best)], x, y, "var(--best_table)", width=1.2, dash="5 4"))
    body += [
        polyline(points, x, y, colour, width=1.6) for points, colour in zip(smooth.values(), COLOURS, strict=False)
    ]
    return "".join(body)
