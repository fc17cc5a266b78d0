"""The tables of the page: every point, who beats whom, quality by task, and where the traffic goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rl_router.evaluation.report.summary import Summary, block_of
from rl_router.evaluation.report.tables import HEAD, WORTH_HEAD, cells, points_table, worth_cells
from rl_router.evaluation.suite.results import MODEL, Point, TaskCell
from rl_router.evaluation.suite.verdicts import REFERENCE
from rl_router.evaluation.two_models.report import HEAD as RECOVERY_HEAD
from rl_router.evaluation.two_models.report import cells as recovery_cells
from rl_router.observe import page
from rl_router.observe.charts import escape
from rl_router.observe.formats import MISSING, cost_weight, per_thousand, signed

MOST_TASKS = 30
MOST_MODELS = 30


def by_weight(summary: Summary, name: str, view: Callable[[Summary, float], str]) -> str:
    """`view(summary, weight)` once per cost weight, one shown at a time."""
    weights = [cost_weight(weight) for weight in summary.cost_weights]
    buttons = page.buttons(name, "λ", [(weight, weight) for weight in weights], weights[0]) if len(weights) > 1 else ""
    panels = "".join(
        f'<div data-panel="{escape(cost_weight(weight))}"><h3>λ = {escape(cost_weight(weight))}</h3>'
        f"{view(summary, weight)}</div>"
        for weight in summary.cost_weights
    )
    return f"<div data-group>{buttons}{panels}</div>" if buttons else panels


def shown(router: str) -> str:
    """A single model by its name alone: its block says what it is, and phones are narrow."""
    return router.removeprefix(MODEL)


def points_view(summary: Summary, weight: float) -> str:
    points = {point.router: point for point in summary.by_weight[weight]}
    lines = []
    for block, rows in points_table(summary, weight):
        lines.append(f'<tr class="block"><th colspan="{len(HEAD)}">{escape(block)}</th></tr>')
        for row in rows:
            kind = "mine" if block == "routers that decide" else ""
            lines.append(page.row(shown(row[0]), _point_cells(summary, points[row[0]], row), kind))
    return page.table(list(HEAD), lines, "sortable")


def _point_cells(summary: Summary, point: Point, row: Sequence[str]) -> list[str]:
    found = summary.verdict(point.router, REFERENCE, point.cost_weight) if point.router != REFERENCE else None
    kind = found.verdict if found is not None and found.verdict in ("better", "worse") else "dim"
    return [page.cell(words, kind if i == 3 else "") for i, words in enumerate(cells(summary, point)[1:])]


def worth_view(summary: Summary) -> str:
    rows = [worth for worth in summary.worths if block_of(worth) != "single models"]
    lines = [page.row(w.router, map(page.cell, worth_cells(w)[1:])) for w in rows]
    return page.table(list(WORTH_HEAD), lines, "sortable")


def recovery_view(summary: Summary) -> str:
    """RouteLLM's metrics, a table per data set."""
    return "".join(
        f"<h3>{escape(title)}, n = {rows[0].n:,}</h3>"
        + page.table(
            list(RECOVERY_HEAD), [page.row(row.router, map(page.cell, recovery_cells(row)[1:])) for row in rows]
        )
        for title, rows in summary.recoveries.items()
    )


def pairs_view(summary: Summary, weight: float) -> str:
    """Row against column: the difference in utility where it is significant, a dot where there is none to be seen."""
    names = [p.router for p in summary.by_weight[weight] if block_of(p) != "single models"]
    lines = []
    for name in names:
        row = []
        for other in names:
            found = summary.verdict(name, other, weight) if name != other else None
            if found is None:
                row.append("<td></td>")
                continue
            title = f"{name} − {other}: {signed(found.difference)}, p = {found.p_holm:.3g}, {found.verdict}"
            words = signed(found.difference, 2).replace("0.", ".", 1) if found.verdict != "no difference" else "="
            row.append(f'<td class="{escape(found.verdict.replace(" ", "-"))}" title="{escape(title)}">{words}</td>')
        lines.append(page.row(name, row))
    return page.table(["utility, row − column", *names], lines, "pairs upright")


def tasks_view(summary: Summary, weight: float) -> str:
    """Quality by task, deeper blue for better; the largest tasks where there are many."""
    tasks = sorted(summary.tasks, key=lambda task: -summary.tasks[task])[:MOST_TASKS]
    order = {p.router: i for i, p in enumerate(summary.by_weight[weight])}
    found: dict[str, dict[str, TaskCell]] = {}
    for cell in summary.task_cells:
        if cell.cost_weight == weight:
            found.setdefault(cell.router, {})[cell.task] = cell
    lines = [
        page.row(shown(router), [_heat(found[router].get(task)) for task in tasks])
        for router in sorted(found, key=lambda router: order[router])
    ]
    left = len(summary.tasks) - len(tasks)
    note = page.paragraph(f"{left} smaller tasks are left out here; results.json has them.", "dim") if left else ""
    return page.table(["quality", *(f"{task} ({summary.tasks[task]:,})" for task in tasks)], lines, "heat") + note


def _heat(cell: TaskCell | None) -> str:
    if cell is None:
        return f"<td>{MISSING}</td>"
    title = f"{cell.router}, {cell.task}: {cell.quality:.3f} on {cell.n:,}, {per_thousand(cell.cost_usd)} per 1,000"
    return _shaded(cell.quality, f"{cell.quality:.2f}", title)


def traffic_view(summary: Summary) -> str:
    """The share of each router's calls that each model had, over all its settings."""
    rows = [worth for worth in summary.worths if block_of(worth) != "single models"]
    totals: dict[str, float] = {}
    for worth in rows:
        for model, share in worth.traffic.items():
            totals[model] = totals.get(model, 0.0) + share
    models = sorted(totals, key=lambda model: -totals[model])[:MOST_MODELS]
    lines = [
        page.row(
            worth.router,
            [
                _shaded(share, f"{share:.0%}" if share >= 0.005 else "", f"{worth.router}: {model} {share:.1%}")
                for model in models
                for share in [worth.traffic.get(model, 0.0)]
            ],
        )
        for worth in rows
    ]
    return page.table(["share of calls", *models], lines, "heat upright")


def _shaded(share: float, words: str, title: str) -> str:
    depth = min(1.0, max(0.0, share))
    ink = ";color:#fff" if depth > 0.6 else ""
    return f'<td title="{escape(title)}" style="background:rgba(18,87,201,{depth:.2f}){ink}">{escape(words)}</td>'
