"""The report's tables of results: reward by router and λ, what each part of the method adds, and every number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rl_router.observe import page
from rl_router.observe.findings import POLICY, Difference, against, row_of, weights
from rl_router.observe.formats import MISSING, cost_weight, count, dial_name, per_thousand, plus_minus, setting
from rl_router.observe.looks import in_order, look

Row = Mapping[str, Any]
COMPARED = (
    (None, "best fixed router"),
    ("best_table", "best table"),
    ("best_per_task", "best model per task"),
    ("knn", "kNN"),
    ("oracle", "oracle"),
    ("warm_start", "warm start: what RL adds"),
    ("policy_blind", "policy not told λ: what the dial adds"),
)


def reward_table(rows: Sequence[Row], mine: str = POLICY) -> str:
    """Routers down, cost weights across; the best of each column that could be used in practice is underlined."""
    routers, columns = in_order({row["router"] for row in rows}), weights(rows)
    usable = [row for row in rows if row["router"] != "oracle"]
    best = {w: max((r["reward"] for r in usable if r["cost_weight"] == w), default=None) for w in columns}
    lines = []
    for router in routers:
        cells = [_reward_cell(row_of(rows, router, w), best[w]) for w in columns]
        lines.append(page.row(look(router).label, cells, "mine" if router == mine else ""))
    return page.table(["reward", *(setting(w) for w in columns)], lines)


def difference_table(rows: Sequence[Row], mine: str = POLICY) -> str:
    """The run's own router minus each of what it should be compared with, and whether that is a difference at all."""
    columns = weights(rows)
    lines = []
    for other, title in COMPARED:
        found = {d.cost_weight: d for d in against(rows, other, mine)}
        if found and other != mine:
            cells = [_difference_cell(found.get(w), named=other is None) for w in columns]
            lines.append(page.row(f"−\u00a0{title}", cells))
    return page.table([look(mine).label, *(setting(w) for w in columns)], lines) if lines else ""


def full_table(rows: Sequence[Row], mine: str = POLICY) -> str:
    head = ["router", dial_name(weights(rows)), "reward", "quality", "cost of 1,000", "calls", "format", "queries"]
    lines = []
    for weight in [*weights(rows), *({None} & {row["cost_weight"] for row in rows})]:
        here = [row for row in rows if row["cost_weight"] == weight]
        for router in in_order({row["router"] for row in here}):
            for row in (r for r in here if r["router"] == router):
                cells = [
                    cost_weight(weight),
                    plus_minus(row["reward"], row.get("reward_se")),
                    plus_minus(row["quality"], row.get("quality_se")),
                    per_thousand(row["cost_usd"]),
                    count(row.get("calls")),
                    count(row.get("format_rate")),
                    f"{row.get('n', MISSING)}",
                ]
                kind = "mine" if router == mine else ""
                lines.append(page.row(look(router).label, map(page.cell, cells), kind))
    return page.table(head, lines)


def _reward_cell(row: Row | None, best: float | None) -> str:
    if row is None:
        return page.cell(MISSING)
    error = row.get("reward_se")
    kind = "best" if row["reward"] == best and row["router"] != "oracle" else ""
    return page.cell(f"{row['reward']:.3f}", kind, [] if error is None else [(f"±\u00a0{2 * error:.3f}", "")])


def _difference_cell(found: Difference | None, named: bool) -> str:
    if found is None:
        return page.cell(MISSING)
    value, _, spread = str(found).partition(" ")
    notes = [
        (spread.replace(" ", "\u00a0"), ""),
        (found.verdict, "" if found.verdict == "no difference" else found.verdict),
    ]
    return page.cell(value, notes=[*notes, (look(found.other).label, "")] if named else notes)
