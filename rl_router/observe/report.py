"""One self-contained `report.html` from what a run folder holds; a part that is missing yet is said to be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rl_router.observe import page
from rl_router.observe.charts import Point, curve_chart, escape
from rl_router.observe.choices_view import choice_maps
from rl_router.observe.episodes_view import episode_cards
from rl_router.observe.files import read_json, write_text
from rl_router.observe.findings import POLICY, headline, own_router, remarks, weights
from rl_router.observe.formats import dial_name, seconds
from rl_router.observe.frontier import frontier_svg, reward_svg
from rl_router.observe.looks import look
from rl_router.observe.results_view import difference_table, full_table, reward_table
from rl_router.observe.run_folder import RunFolder

Row = Mapping[str, Any]
CURVES = (
    ("reward", ("reward/mean", "critic/rewards/mean"), 1, ""),
    ("quality (EM)", ("quality/mean",), 1, ""),
    ("cost of 1,000 queries", ("cost_usd/mean",), 1000, "$"),
    ("calls per query", ("calls/mean",), 1, ""),
    ("entropy", ("actor/entropy",), 1, ""),
    ("format rate", ("format/rate",), 1, ""),
)
ERRORS = "± and bars are two standard errors, about 95%."


def write_report(folder: RunFolder) -> Path:
    """Write `report.html` and return its path."""
    metrics = folder.read_metrics()
    results, choices = folder.read_rows(folder.results), folder.read_rows(folder.choices)
    name = folder.path.resolve().name
    mine = own_router(read_json(folder.config)) if folder.config.is_file() else POLICY
    classical = mine != POLICY  # it has neither training steps nor episodes
    priced = all(row["cost_usd"] is not None for row in results)
    sections = [
        _top(name, metrics, results, mine),
        *(_results(results, mine) if results and priced else [page.section("Every number", full_table(results, mine))]),
        *([] if classical else [page.section("Learning curves", _curves(metrics))]),
        page.section("Which model for which kind of query", _choices(choices)),
        *([] if classical else [page.section("Episodes to read", _episodes(folder))]),
        page.section("Config and versions", _files(folder)),
    ]
    write_text(folder.report, page.page(f"{name} · rl-router", sections))
    return folder.report


def _top(name: str, metrics: Sequence[Row], results: Sequence[Row], mine: str) -> str:
    facts = [("training steps", str(max(row["step"] for row in metrics)))] if metrics else []
    times = [datetime.fromisoformat(row["time"]) for row in metrics if row.get("time")]
    if len(times) > 1:
        facts.append(("first to last step", seconds((times[-1] - times[0]).total_seconds())))
    sizes = sorted({row["n"] for row in results if row.get("n")})
    if sizes:
        facts.append(
            (
                f"queries at each {dial_name(row['cost_weight'] for row in results)}",
                "–".join(str(n) for n in {sizes[0]: 0, sizes[-1]: 0}),
            )
        )
    items = "".join(f"<li><span class='dim'>{escape(k)}</span> <b>{escape(v)}</b></li>" for k, v in facts)
    said = "".join(page.paragraph(words) for words in remarks(results, mine))
    return (
        f"<header><h1>rl-router · {escape(name)}</h1>{page.paragraph(headline(results, mine), 'headline')}{said}"
        f"<ul class='facts'>{items}</ul></header>"
    )


def _results(rows: Sequence[Row], mine: str) -> list[str]:
    weighted = [row for row in rows if row["cost_weight"] is not None]
    parts = []
    if weighted:
        parts.append(
            page.section(
                "Reward at each budget" if dial_name(weights(weighted)) == "budget" else "Reward at each cost weight λ",
                page.paragraph(f"{ERRORS} Underlined: the best of each column, the oracle apart.", "dim"),
                f'<div class="pair">{reward_table(weighted, mine)}'
                f"{page.figure(_both(reward_svg, weighted, 640))}</div>",
                "<h3>What each part adds</h3>" if mine == POLICY else "<h3>Beside the others</h3>",
                page.paragraph(
                    f"Reward of {look(mine).label} minus another's. Within two standard errors there is no difference;"
                    " errors count as independent although the queries are the same, so a difference is harder to"
                    " claim.",
                    "dim",
                ),
                difference_table(weighted, mine),
            )
        )
    parts.append(
        page.section(
            "Cost and quality",
            page.figure(
                _both(frontier_svg, rows, 860), f"Up and left is better. {ERRORS} Point at a mark for its numbers."
            ),
            page.folded("Every number", full_table(rows, mine)),
        )
    )
    return parts


def _both(draw: Any, rows: Sequence[Row], width: int) -> str:
    """A chart for screens and one for phones: scaling one down would leave its words too small to read."""
    return f'<div class="wide">{draw(rows, width=width)}</div><div class="narrow">{draw(rows, width=380)}</div>'


def _curves(metrics: Sequence[Row]) -> str:
    charts = []
    for title, names, factor, prefix in CURVES:
        name = next((n for n in names if any(row.get(n) is not None for row in metrics)), None)
        if name:
            points, checks = _series(metrics, name, factor), _series(metrics, f"val/{name}", factor)
            charts.append(page.figure(curve_chart(title, points, checks, prefix=prefix)))
    if not charts:
        return page.paragraph("No training step has been logged yet.", "dim")
    words = "Thin: training steps, averaged where there are hundreds. Bold: running mean. Dots off it: validation."
    return f'{page.paragraph(words, "dim")}<div class="grid">{"".join(charts)}</div>'


def _series(metrics: Sequence[Row], name: str, factor: float) -> list[Point]:
    return [(row["step"], factor * row[name]) for row in metrics if row.get(name) is not None]


def _choices(rows: Sequence[Row]) -> str:
    if not rows:
        return page.paragraph("This run has no record of its choices yet.", "dim")
    words = "Which model was asked first, as a share of the queries of each kind. Each row adds up to 100%."
    return page.paragraph(words, "dim") + choice_maps(rows)


def _episodes(folder: RunFolder) -> str:
    held_out = folder.read_held_out()
    records = held_out or folder.read_episodes()
    if not records:
        return page.paragraph("No episode has been recorded yet.", "dim")
    whose = "The finished policy on held-out questions" if held_out else "From late in training"
    words = (
        f"{whose}: three of the best and three of the worst."
        " Grey: the prompt. <span class='by-policy'>Blue: what the policy wrote.</span>"
        " <span class='by-reply'>Orange: replies of models.</span>"
    )
    return f"<p class='dim'>{words}</p>{episode_cards(records)}"


def _files(folder: RunFolder) -> str:
    parts = []
    for title, path in (("Config", folder.config), ("Versions", folder.versions)):
        if path.is_file():
            lines = [page.row(key, [page.cell(value)]) for key, value in _flat(read_json(path))]
            parts.append(page.folded(title, page.table([], lines, "words")))
    return "".join(parts) or page.paragraph("This run has left neither config.json nor versions.json.", "dim")


def _flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested mappings as `a.b.c` and its value; a list is one value."""
    if isinstance(value, Mapping) and value:
        return [line for key, item in value.items() for line in _flat(item, f"{prefix}.{key}" if prefix else str(key))]
    return [(prefix, str(value))]
