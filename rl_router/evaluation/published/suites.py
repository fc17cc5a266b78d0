"""Every suite whose files are there, recomputed, and the table of what agrees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.evaluation.published import routellm, routerbench, routerdc
from rl_router.evaluation.published.figure import Figure
from rl_router.observe.console import say
from rl_router.observe.formats import MISSING

SEED = 0
PLAIN_WIDTH = 120
LEGEND = "Published: by the source named; reference: computed on the same files by other code before ours was written."
SUITES: dict[str, tuple[str, Callable[[RoutingTable], list[Figure]]]] = {
    "routellm": ("routellm_evals", lambda table: routellm.figures(table, rng=np.random.default_rng(SEED))),
    "routerbench": ("routerbench_subset", routerbench.figures),
    "routerdc": ("routerdc", routerdc.figures),
}
"""Suite -> folder of its routing table under the data folder, and its figures."""


def reproduce(data: Path, suites: Sequence[str] = ()) -> list[Figure]:
    """The figures of `suites`, or of all whose files are in the folder `data`."""
    rows: list[Figure] = []
    for name in suites or SUITES:
        if name not in SUITES:
            raise DataError(f"There is no suite {name!r} of published numbers; choose from {', '.join(SUITES)}.")
        folder, figures = SUITES[name]
        path = data / folder / "long.parquet"
        if path.is_file():
            rows += figures(RoutingTable.read(path))
        elif suites:
            raise DataError(f"The files of {name} are not there: expected a routing table at {path}.")
        else:
            say(f"{name}: left out, there is no {path}")
    if not rows:
        raise DataError(f"No suite's files are in {data}; expected one of {', '.join(f for f, _ in SUITES.values())}.")
    return rows


def records(rows: Iterable[Figure]) -> list[dict[str, Any]]:
    """For JSON."""
    return [asdict(row) | {"agrees": row.agrees} for row in rows]


def print_figures(rows: Sequence[Figure], console: Console) -> None:
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, PLAIN_WIDTH), no_color=True)
    for suite, group in groupby(rows, key=lambda row: row.suite):
        console.print(_table(suite, list(group)))
    pinned = [row for row in rows if row.agrees is not None]
    console.print(
        f"{sum(bool(row.agrees) for row in pinned)} of {len(pinned)} numbers agree. {LEGEND}", highlight=False
    )


def _table(suite: str, rows: Sequence[Figure]) -> Table:
    title = f"{suite}, n = {rows[0].n:,}" if len({row.n for row in rows}) == 1 else suite
    table = Table(title=title, title_justify="left", box=box.SIMPLE, header_style="bold")
    table.add_column("", no_wrap=True)
    for name in ("published", "ours", "agrees"):
        table.add_column(name, justify="right")
    table.add_column("source")
    for row in rows:
        published = MISSING if row.published is None else f"{row.published:.{row.decimals}f}"
        remark = "; ".join(text for text in (row.source, row.note) if text)
        table.add_row(row.quantity, published, f"{row.ours:.{row.decimals}f}", _agreement(row), remark)
    return table


def _agreement(row: Figure) -> str:
    return MISSING if row.agrees is None else "yes" if row.agrees else "NO"
