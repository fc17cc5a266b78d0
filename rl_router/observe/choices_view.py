"""Which model was chosen for which kind of query: a heat map for each router and cost weight, one shown at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rl_router.observe import page
from rl_router.observe.charts import escape
from rl_router.observe.findings import FIXED
from rl_router.observe.formats import cost_weight, dial_name, setting
from rl_router.observe.looks import in_order, look

Row = Mapping[str, Any]


def choice_maps(rows: Sequence[Row]) -> str:
    """Rows are `{router, cost_weight, task, model, share}`. Fixed routers are left out: their maps say nothing."""
    rows = [row for row in rows if row["router"] not in FIXED] or list(rows)
    routers = in_order({row["router"] for row in rows})
    weights = sorted({row["cost_weight"] for row in rows}, key=lambda w: (w is None, w))
    models, tasks = _unique(row["model"] for row in rows), sorted({row["task"] for row in rows})
    middle = cost_weight(weights[len(weights) // 2])
    picks = page.buttons(
        "choice-weight", dial_name(weights), [(cost_weight(w), cost_weight(w)) for w in weights], middle
    )
    if len(routers) > 1:
        names = [(router, look(router).label) for router in routers]
        picks = page.buttons("choice-router", "router", names, routers[0]) + picks
    panels = []
    for router in routers:
        for weight in weights:
            shares = _shares(rows, router, weight)
            value = f"{router}|{cost_weight(weight)}" if len(routers) > 1 else cost_weight(weight)
            title = f"{look(router).label} at {setting(weight)}"
            panels.append(
                f'<div data-panel="{escape(value)}"><h3>{escape(title)}</h3>{_heat_map(shares, tasks, models)}</div>'
            )
    return f"<div data-group>{picks}{''.join(panels)}</div>"


def _shares(rows: Sequence[Row], router: str, weight: float | None) -> dict[tuple[str, str], float]:
    here = (row for row in rows if row["router"] == router and row["cost_weight"] == weight)
    return {(row["task"], row["model"]): row["share"] for row in here}


def _heat_map(shares: Mapping[tuple[str, str], float], tasks: Sequence[str], models: Sequence[str]) -> str:
    lines = [
        page.row(task, (_cell(shares.get((task, model), 0.0), f"{task}: {model}") for model in models))
        for task in tasks
    ]
    return page.table(["kind of query", *models], lines, "heat")


def _cell(share: float, title: str) -> str:
    """Blue as deep as the share; the words turn white where the blue is deep, in either colour scheme."""
    words = f"{share:.0%}" if share >= 0.005 else ""
    ink = ";color:#fff" if share > 0.78 else ""
    depth = min(1.0, max(0.0, share))
    return f'<td title="{escape(title)} {share:.1%}" style="background:rgba(18,87,201,{depth:.2f}){ink}">{words}</td>'


def _unique(names: Any) -> list[str]:
    return list(dict.fromkeys(names))
