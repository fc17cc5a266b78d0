"""Predicted against observed quality: on the diagonal, of answers called 80 % right, 80 % are right."""

from __future__ import annotations

from rl_router.evaluation.metrics.calibration import ReliabilityBin
from rl_router.evaluation.report.looks import looks_of
from rl_router.evaluation.report.summary import Summary
from rl_router.evaluation.suite.worth import Worth
from rl_router.observe import page
from rl_router.observe.charts import Axis, escape, frame, linear_axis, polyline, svg, text
from rl_router.observe.formats import MISSING
from rl_router.observe.looks import Look

SIDE_PX = 260


def calibration(summary: Summary) -> str:
    """A plot per router that predicts quality, over the models that it chose at all its settings."""
    looks = looks_of(summary)
    found = [worth for worth in summary.worths if worth.reliability]
    if not found:
        return page.paragraph("No router of this evaluation predicts quality.", "dim")
    words = (
        "Of the models chosen, at all λ together: predicted quality across, observed quality up, two standard errors."
        " The area of a dot is the number of answers. Bill: predicted over paid cost."
    )
    plots = "".join(page.figure(_plot(worth, looks[worth.router])) for worth in found)
    return f'{page.paragraph(words, "dim")}<div class="grid small">{plots}</div>'


def _plot(worth: Worth, look: Look) -> str:
    x = linear_axis((0.0, 1.0), 40, SIDE_PX - 14)
    y = linear_axis((0.0, 1.0), SIDE_PX - 40, 40)
    bill = MISSING if worth.cost_bias is None else f"{worth.cost_bias:.2f}×"
    ece = MISSING if worth.ece is None else f"{worth.ece:.3f}"
    most = max(bin.count for bin in worth.reliability)
    parts = [
        text(4, 14, worth.router, kind="name"),
        text(4, 28, f"ECE {ece}, bill {bill}"),
        frame(x, y, "predicted quality", ""),
        polyline([(0, 0), (1, 1)], x, y, "var(--dim)", width=1, dash="4 4"),
        *(_dot(bin, most, x, y, look) for bin in worth.reliability),
    ]
    return svg("".join(parts), SIDE_PX, SIDE_PX, f"Calibration of {worth.router}")


def _dot(bin: ReliabilityBin, most: int, x: Axis, y: Axis, look: Look) -> str:
    reach = 2 * bin.observed_se if bin.observed_se == bin.observed_se else 0.0  # NaN for a single answer
    low, high = max(0.0, bin.observed - reach), min(1.0, bin.observed + reach)
    at = x.at(bin.predicted)
    radius = 2 + 7 * (bin.count / most) ** 0.5
    title = f"predicted {bin.predicted:.3f}, observed {bin.observed:.3f}, {bin.count:,} answers"
    return (
        f'<path d="M{at:.1f} {y.at(low):.1f}V{y.at(high):.1f}" style="stroke:{look.colour}" stroke-width="1.4"/>'
        f'<circle cx="{at:.1f}" cy="{y.at(bin.observed):.1f}" r="{radius:.1f}" style="fill:{look.colour}"'
        f' opacity="0.75">'
        f"<title>{escape(title)}</title></circle>"
    )
