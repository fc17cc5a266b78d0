"""The recovery table of a routing table: one block per data set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from rl_router.data.table import RoutingTable
from rl_router.evaluation.two_models.pair import pair_of, weak_and_strong
from rl_router.evaluation.two_models.recovery import Recovery, recoveries, win_rates
from rl_router.observe.formats import MISSING, plus_minus
from rl_router.routers.router import load_router

SEED = 0
PLAIN_WIDTH = 120
HEAD = (
    "router", "APGR, every share", "≤ 1", "CPT(50)", "CPT(80)", "APGR, 11 points", "CPT(50)", "CPT(80)",
    "against length",
)  # fmt: skip
NOTE = "±: two standard errors. CPT: share of strong calls. ≤ 1: recovery counted up to 1."


def judge(
    path: Path, routers: Sequence[str], *, split: str, weak: str | None = None, strong: str | None = None
) -> dict[str, list[Recovery]]:
    """Data set -> rows, for saved routers on the `split` of the routing table at `path`."""
    table = RoutingTable.read(path).select(split=split)
    weak, strong = weak_and_strong(table, weak, strong)
    table = table.select(models=[weak, strong])
    loaded = {name: load_router(Path(name)) for name in routers}
    blocks = {}
    for dataset in table.frame["dataset"].unique(maintain_order=True):
        part = RoutingTable(table.frame.filter(table.frame["dataset"] == dataset), table.where)
        pair = pair_of(part, weak=weak, strong=strong)
        rates = {name: win_rates(router, pair, weak=weak, strong=strong) for name, router in loaded.items()}
        blocks[f"{dataset}: {weak} or {strong}"] = recoveries(pair, rates, rng=np.random.default_rng(SEED))
    return blocks


def records(blocks: Mapping[str, Sequence[Recovery]]) -> dict[str, list[dict[str, Any]]]:
    """For JSON: a number that does not exist is null."""
    return {title: [{k: _plain(v) for k, v in asdict(row).items()} for row in rows] for title, rows in blocks.items()}


def print_recoveries(blocks: Mapping[str, Sequence[Recovery]], console: Console) -> None:
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, PLAIN_WIDTH), no_color=True)
    for title, rows in blocks.items():
        console.print(_table(f"{title}, n = {rows[0].n:,}", rows))
    console.print(NOTE, highlight=False)


def _table(title: str, rows: Sequence[Recovery]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE, header_style="bold")
    table.add_column(HEAD[0])
    for name in HEAD[1:-1]:
        table.add_column(name, justify="right")
    table.add_column(HEAD[-1])
    for row in rows:
        table.add_row(*cells(row))
    return table


def cells(row: Recovery) -> list[str]:
    return [
        row.router,
        plus_minus(row.apgr, row.apgr_se) if math.isfinite(row.apgr) else MISSING,
        _three(row.apgr_up_to_1),
        _percent(row.cpt_50),
        _percent(row.cpt_80),
        _three(row.eleven_apgr),
        _percent(row.eleven_cpt_50),
        _percent(row.eleven_cpt_80),
        "" if row.verdict is None else row.verdict.value,
    ]


def _three(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else MISSING


def _percent(share: float) -> str:
    return f"{share:.1%}" if math.isfinite(share) else MISSING


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
