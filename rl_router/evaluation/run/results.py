"""Rows: what a router earned at one cost weight over many queries, with standard errors, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from math import isnan, nan, sqrt
from pathlib import Path
from statistics import fmean, stdev

from rich import box
from rich.console import Console
from rich.table import Table

from rl_router.errors import CheckpointError, DataError
from rl_router.observe.files import read_json, write_json
from rl_router.observe.findings import yardstick
from rl_router.observe.formats import MISSING, count, dial_name, per_thousand, plus_minus
from rl_router.observe.formats import cost_weight as weight_text
from rl_router.types import Episode

ORDER = (
    "policy", "warm_start", "policy_blind", "cheapest", "strongest", "random", "best_single", "best_table_blind",
    "best_table", "best_per_task", "knn", "oracle",
)  # fmt: skip
PLAIN_WIDTH = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one query came to. A quality or reward of None could not be scored; it is left out, never a zero."""

    query_id: str
    task: str
    quality: float | None
    cost_usd: float
    calls: int
    format_ok: bool
    reward: float | None
    models: tuple[str, ...] = ()
    decomposed: bool = False


def outcome_of(episode: Episode) -> Outcome:
    """An episode as the table sees it. It was decomposed when some call asked another text than the question."""
    return Outcome(
        query_id=episode.query.query_id,
        task=episode.query.task,
        quality=episode.quality,
        cost_usd=episode.cost_usd,
        calls=len(episode.calls),
        format_ok=episode.format_ok,
        reward=episode.total_reward,
        models=tuple(call.model for call in episode.calls),
        decomposed=any(call.query != episode.query.text for call in episode.calls),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Means over the `n` queries that could be scored. An `_se` is the standard error of its mean, NaN for n = 1."""

    router: str
    cost_weight: float | None
    quality: float
    quality_se: float
    cost_usd: float
    reward: float
    reward_se: float
    calls: float
    format_rate: float
    n: int


def summarise(router: str, cost_weight: float | None, outcomes: Iterable[Outcome]) -> Row:
    scored = [o for o in outcomes if o.quality is not None and o.reward is not None]
    if not scored:
        raise DataError(f"No outcome of {router} at cost weight {weight_text(cost_weight)} could be scored.")
    qualities = [o.quality for o in scored if o.quality is not None]
    rewards = [o.reward for o in scored if o.reward is not None]
    return Row(
        router=router,
        cost_weight=cost_weight,
        quality=fmean(qualities),
        quality_se=standard_error(qualities),
        cost_usd=fmean(o.cost_usd for o in scored),
        reward=fmean(rewards),
        reward_se=standard_error(rewards),
        calls=fmean(o.calls for o in scored),
        format_rate=fmean(o.format_ok for o in scored),
        n=len(scored),
    )


def standard_error(values: Sequence[float]) -> float:
    """Of the mean: s / √n with n − 1 degrees of freedom."""
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else nan


def write_results(path: Path, rows: Iterable[Row]) -> None:
    """`{"rows": [...]}`, whole or not at all. A NaN becomes null."""
    write_json(path, {"rows": [asdict(row) for row in rows]})


def read_results(path: Path) -> list[Row]:
    content = read_json(path)
    rows = content.get("rows") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise CheckpointError(f"Expected {path} to hold a list under 'rows', and it does not; evaluate the run again.")
    return [_row(row, path) for row in rows]


def _row(row: object, path: Path) -> Row:
    names = {f.name for f in fields(Row)}
    if not isinstance(row, dict) or set(row) != names:
        raise CheckpointError(f"A row of {path} needs exactly {', '.join(sorted(names))}; evaluate the run again.")
    errors = {name: nan for name in ("quality_se", "reward_se", "cost_usd") if row[name] is None}
    return Row(**(row | errors))


def print_table(rows: Iterable[Row], console: Console | None = None) -> None:
    """Grouped by cost weight, with two standard errors. Plain text where the output is not a terminal."""
    rows = list(rows)
    console, name = console or Console(), dial_name(row.cost_weight for row in rows)
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, PLAIN_WIDTH), no_color=True)
    console.print(results_table(rows, plain=not console.is_terminal))
    meaning = "budget: USD for all calls of a query" if name == "budget" else "λ: cost weight"
    console.print(f"{meaning}. ±: two standard errors.", highlight=False)


def results_table(rows: Iterable[Row], plain: bool = False) -> Table:
    table = Table(box=box.ASCII2 if plain else box.ROUNDED, header_style="bold")
    rows = list(rows)
    table.add_column(dial_name(row.cost_weight for row in rows))
    table.add_column("router", no_wrap=True)
    ordered = sorted(rows, key=_place)
    top = yardstick({row.router for row in ordered}) or "oracle"
    for name in ("reward", f"% of {top.replace('_', ' ')}", "quality", "USD / 1k queries", "calls", "format ok", "n"):
        table.add_column(name, justify="right")
    for weight, group in groupby(ordered, key=lambda row: row.cost_weight):
        table.add_section()
        here = list(group)
        best = next((row.reward for row in here if row.router == top), None)
        for i, row in enumerate(here):
            table.add_row(weight_text(weight) if i == 0 else "", row.router, *_cells(row, best))
    return table


def _place(row: Row) -> tuple[float, int, str]:
    weight = -1.0 if row.cost_weight is None else row.cost_weight
    return weight, ORDER.index(row.router) if row.router in ORDER else -1, row.router  # a run's own router first


def _cells(row: Row, best_reward: float | None) -> tuple[str, ...]:
    return (
        plus_minus(row.reward, _known(row.reward_se)),
        f"{row.reward / best_reward:.1%}" if best_reward is not None and best_reward > 0 else MISSING,
        plus_minus(row.quality, _known(row.quality_se)),
        per_thousand(row.cost_usd),
        count(row.calls),
        f"{row.format_rate:.1%}",
        str(row.n),
    )


def _known(error: float) -> float | None:
    return None if isnan(error) else error
