"""Two evaluations side by side, as text."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from rl_router.evaluation.report.tables import PLAIN_WIDTH
from rl_router.evaluation.suite.compare import ALL, Change, Changes
from rl_router.observe.formats import cost_weight, count, listed, per_thousand, signed, usd


def print_changes(changes: Changes, console: Console | None = None) -> None:
    """What differs in the settings, every router over all queries, tasks that changed, and the queries that moved."""
    console = console or Console()
    plain = not console.is_terminal
    if plain:
        console = Console(file=console.file, width=max(console.width, PLAIN_WIDTH), no_color=True)
    for sentence in sentences(changes):
        console.print(sentence, highlight=False, markup=False)
    overall = [c for c in changes.changes if c.task == ALL and not c.router.startswith("model:")]
    other = [c for c in overall if c.difference != 0 or c.cost_before_usd != c.cost_after_usd]
    if other:
        console.print(_table("over all queries, A → B", other, plain))
    if len(other) < len(overall):
        same = (
            f"{len(overall) - len(other)} of {len(overall)} rows over all queries came out the same to the last digit."
        )
        console.print(same, highlight=False)
    by_task = [c for c in changes.changes if c.task != ALL and c.verdict != "no difference"]
    if by_task:
        console.print(_table("tasks that changed", by_task, plain))
    if changes.moved:
        console.print(_moved(changes, plain))


def sentences(changes: Changes) -> list[str]:
    said = [f"{changes.queries:,} queries in both."]
    said += [f"{key}: {before!r} → {after!r}" for key, (before, after) in changes.settings.items()]
    for where, routers in (("A", changes.only_before), ("B", changes.only_after)):
        if routers:
            said.append(f"Only in {where}: {listed(list(routers))}.")
    if all(change.verdict == "no difference" for change in changes.changes):
        said.append("No difference: nothing changed by more than chance explains.")
    return said


def _table(title: str, rows: list[Change], plain: bool) -> Table:
    table = Table(title=title, title_justify="left", box=box.ASCII2 if plain else box.ROUNDED)
    table.add_column("router", overflow="fold")
    for name in ("λ", "task", "utility A", "utility B", "B − A", "verdict", "USD / 1k A", "USD / 1k B", "n"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row.router,
            cost_weight(row.cost_weight),
            row.task,
            count(row.before),
            count(row.after),
            f"{signed(row.difference)} [{signed(row.low)}, {signed(row.high)}]",
            row.verdict,
            per_thousand(row.cost_before_usd),
            per_thousand(row.cost_after_usd),
            f"{row.n:,}",
        )
    return table


def _moved(changes: Changes, plain: bool) -> Table:
    table = Table(title="the queries that moved most", title_justify="left", box=box.ASCII2 if plain else box.ROUNDED)
    table.add_column("query", overflow="fold")
    for name in ("task", "router", "λ", "utility", "quality A → B", "cost A → B"):
        table.add_column(name, justify="right")
    for row in changes.moved:
        table.add_row(
            row.query_id,
            row.task,
            row.router,
            cost_weight(row.cost_weight),
            signed(row.moved),
            f"{count(row.quality_before)} → {count(row.quality_after)}",
            f"{usd(row.cost_before_usd)} → {usd(row.cost_after_usd)}",
        )
    return table
