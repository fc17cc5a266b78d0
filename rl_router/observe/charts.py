"""Charts as SVG text, drawn by pure functions of plain numbers: no plotting library, no script, no font to load."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Point = tuple[float, float]

# XML has no way to say these, and bidirectional overrides would let an episode's text rearrange the page around it
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
FONT_PX = 11


def escape(text: object) -> str:
    """Text that is safe in HTML and SVG, in elements and attributes alike."""
    return html.escape(_UNPRINTABLE.sub("\ufffd", str(text)), quote=True)


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers, 1, 2 or 5 times a power of ten apart, from below `low` to above `high`.

    A tenth of a step may stick out at either end: 1.01 needs no tick at 1.2.
    """
    if high <= low:
        pad = abs(low) * 0.1 or 0.5
        low, high = low - pad, high + pad
    rough = (high - low) / max(1, about - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step + 0.1), math.ceil(high / step - 0.1)
    return [round(n * step, 12) for n in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten from below `low` to above `high`; powers alone over more than three decades."""
    factors = (1, 2, 5) if high / low <= 1000 else (1,)
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    ticks = [round(f * 10.0**d, 15) for d in decades for f in factors]
    start = max(i for i, t in enumerate(ticks) if t <= low * 1.000001)
    end = min(i for i, t in enumerate(ticks) if t >= high * 0.999999)
    return ticks[start : end + 1] if end > start else ticks[start : start + 2]


def tick_text(value: float, step: float, prefix: str = "") -> str:
    """As many decimals as the step between ticks needs: 0.25 beside 0.50, 10 beside 20."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step else 0
    if decimals and round(step, decimals) != round(step, 12):
        decimals += 1
    text = f"{abs(value):,.{decimals}f}"
    return f"{'−' if value < 0 else ''}{prefix}{text}"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Maps numbers to pixels. The first and last tick are its ends."""

    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    start_px: float
    end_px: float
    log: bool = False

    def at(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        share = math.log(value / low) / math.log(high / low) if self.log else (value - low) / (high - low)
        return self.start_px + share * (self.end_px - self.start_px)


def linear_axis(values: Sequence[float], start_px: float, end_px: float, about: int = 5, prefix: str = "") -> Axis:
    ticks = nice_ticks(min(values), max(values), about)
    labels = tuple(tick_text(t, ticks[1] - ticks[0], prefix) for t in ticks)
    return Axis(ticks=tuple(ticks), labels=labels, start_px=start_px, end_px=end_px)


def log_axis(values: Sequence[float], start_px: float, end_px: float, prefix: str = "") -> Axis:
    ticks = log_ticks(min(values), max(values))
    labels = tuple(f"{prefix}{t:.12f}".rstrip("0").rstrip(".") if t < 1 else f"{prefix}{t:,.0f}" for t in ticks)
    return Axis(ticks=tuple(ticks), labels=labels, start_px=start_px, end_px=end_px, log=True)


def frame(x: Axis, y: Axis, x_title: str, y_title: str) -> str:
    """Grid lines, tick labels and axis titles. Labels on x that would touch are left out."""
    parts = []
    for tick, label in zip(y.ticks, y.labels, strict=True):
        at = y.at(tick)
        parts.append(f'<line class="grid" x1="{x.start_px:.1f}" x2="{x.end_px:.1f}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(text(x.start_px - 6, at + 4, label, anchor="end"))
    taken = -math.inf
    for tick, label in zip(x.ticks, x.labels, strict=True):
        at, half = x.at(tick), text_width(label) / 2
        if at - half > taken:
            parts.append(text(at, y.start_px + 16, label, anchor="middle"))
            taken = at + half + 6
    parts.append(text((x.start_px + x.end_px) / 2, y.start_px + 32, x_title, anchor="middle", kind="title"))
    if y_title:
        parts.append(text(4, y.end_px - 10, y_title, kind="title"))
    return "".join(parts)


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "tick", fill: str = "") -> str:
    style = f' style="fill:{fill}"' if fill else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def text_width(words: str, size_px: float = FONT_PX) -> float:
    """An estimate that errs on the wide side: there is no font to ask."""
    return 0.56 * size_px * len(words)


def polyline(
    points: Sequence[Point], x: Axis, y: Axis, colour: str, *, width: float = 2, dash: str = "", opacity: float = 1
) -> str:
    spots = " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in points)
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<polyline points="{spots}" fill="none" style="stroke:{colour}" stroke-width="{width}" opacity="{opacity:g}"'
        f' stroke-linejoin="round"{dashes}/>'
    )


def svg(body: str, width: int, height: int, label: str, extra: str = "") -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escape(label)}"{extra}>{body}</svg>'
    )


def running_mean(values: Sequence[float], window: int) -> list[float]:
    """The mean of up to `window` neighbours around each value, fewer at the ends."""
    half = window // 2
    spans = [values[max(0, i - half) : i + half + 1] for i in range(len(values))]
    return [sum(span) / len(span) for span in spans]


def thin(points: Sequence[Point], most: int = 400) -> list[Point]:
    """At most `most` points: neighbours are averaged, so that a long run draws as fast as a short one."""
    size = math.ceil(len(points) / most) if len(points) > most else 1
    blocks = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(a for a, _ in block) / len(block), sum(b for _, b in block) / len(block)) for block in blocks]


def curve_chart(title: str, points: Sequence[Point], checks: Sequence[Point] = (), *, prefix: str = "") -> str:
    """One metric over steps: each step thin, their running mean bold, validation points as dots."""
    width, height = 360, 216
    steps = [a for a, _ in (*points, *checks)]
    points = thin(points)
    every = [b for _, b in (*points, *checks)]
    y = linear_axis(every, height - 40, 30, about=5, prefix=prefix)
    x = _step_axis(steps, 14 + max(text_width(label) for label in y.labels), width - 14)
    window = max(1, len(points) // 20) | 1
    mean = list(zip([a for a, _ in points], running_mean([b for _, b in points], window), strict=True))
    body = [text(4, 14, title, kind="name"), frame(x, y, "step", "")]
    if window > 1:
        body.append(polyline(points, x, y, "var(--policy)", width=1, opacity=0.35))
    body.append(polyline(mean, x, y, "var(--policy)", width=2.2))
    show: Callable[[Point], str] = lambda p: f"step {p[0]:g}: {prefix}{p[1]:.4g}"  # noqa: E731
    body += [_spot(x.at(p[0]), y.at(p[1]), 3, "var(--warm_start)", f"validation, {show(p)}") for p in checks]
    if points:
        body.append(
            _spot(x.at(mean[-1][0]), y.at(mean[-1][1]), 3.2, "var(--policy)", f"running mean, {show(mean[-1])}")
        )
    return svg("".join(body), width, height, f"{title} over training steps")


def _step_axis(steps: Sequence[float], start_px: float, end_px: float) -> Axis:
    """Ends at the first and the last step, with round ticks between, so that no width is wasted."""
    low, high = min(steps), max(steps)
    if high <= low:
        high = low + 1
    inner = [t for t in nice_ticks(low, high, 6) if low < t < high and t == int(t)]
    ticks = (low, *inner, high)
    near = (high - low) * 0.08
    labels = tuple("" if t in inner and (t - low < near or high - t < near) else f"{t:g}" for t in ticks)
    return Axis(ticks=ticks, labels=labels, start_px=start_px, end_px=end_px)


def _spot(x: float, y: float, radius: float, colour: str, title: str) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" style="fill:{colour}"><title>{escape(title)}</title></circle>'
    )
