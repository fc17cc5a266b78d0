"""All checks of one table as one value, for people and for programs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from rl_router.data.checks.balance import Balance, balances
from rl_router.data.checks.finding import Finding, Kind
from rl_router.data.checks.headroom import Headroom, headrooms
from rl_router.data.checks.order import Alignment, alignments, order_findings
from rl_router.data.checks.prices import price_findings
from rl_router.data.checks.repeats import repeat_findings
from rl_router.data.checks.schema_faults import schema_findings, usable_rows
from rl_router.data.checks.scores import score_findings
from rl_router.data.parquet import read_parquet
from rl_router.data.table import RoutingTable


@dataclass(frozen=True, kw_only=True)
class Report:
    """`rows` counts the file's; the rest is about its usable rows."""

    where: str
    rows: int
    usable_rows: int
    queries: int
    models: tuple[str, ...]
    splits: tuple[str, ...]
    findings: tuple[Finding, ...]
    alignments: tuple[Alignment, ...] = ()
    balances: tuple[Balance, ...] = ()
    headrooms: tuple[Headroom, ...] = ()

    @property
    def faults(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.fault)

    def allowing(self, kinds: Collection[Kind]) -> Report:
        """The same with faults of these kinds taken for notes."""
        findings = (replace(f, fault=f.fault and f.kind not in kinds) for f in self.findings)
        return replace(self, findings=tuple(findings))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"faults": len(self.faults)}


def check_file(path: Path | str) -> Report:
    """The report on a parquet file, which need not be a valid table; what is no parquet is a DataError."""
    return check_frame(read_parquet(path, "routing table"), where=str(path))


def check_frame(frame: pl.DataFrame, where: str = "table") -> Report:
    findings = schema_findings(frame)
    rows = usable_rows(frame)
    table = _consistent(rows)
    if table:
        findings += repeat_findings(rows) + order_findings(table) + price_findings(rows) + score_findings(rows)
    return Report(
        where=where,
        rows=frame.height,
        usable_rows=rows.height,
        queries=rows["query_id"].n_unique(),
        models=tuple(rows["model"].unique(maintain_order=True)),
        splits=tuple(rows["split"].unique(maintain_order=True)),
        findings=tuple(sorted(findings, key=lambda finding: not finding.fault)),
        alignments=tuple(alignments(table)) if table else (),
        balances=tuple(balances(table)) if table else (),
        headrooms=tuple(headrooms(table)) if table else (),
    )


def _consistent(rows: pl.DataFrame) -> RoutingTable | None:
    """The usable rows with what differs within a query set to its first value, None where nothing is usable."""
    if not rows.height:
        return None
    first = [pl.col(c).first().over("query_id") for c in ("query", "split", "task", "ground_truth")]
    return RoutingTable(rows.with_columns(first))
