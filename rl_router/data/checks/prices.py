"""Is every call priced, and is the price the whole price?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from rl_router.data.checks.finding import Finding, Kind, some

REASONS = re.compile(r"(^|[/\-_ ])(o[134]|r1)([\-_ ]|$)|reason|think", re.IGNORECASE)
"""Names of models that bill tokens which their answers do not show."""


def price_findings(frame: pl.DataFrame) -> list[Finding]:
    return [*_missing(frame), *_free(frame), *_hidden_reasoning(frame)]


def _missing(frame: pl.DataFrame) -> Iterator[Finding]:
    both_counts = pl.col("prompt_tokens").is_not_null() & pl.col("completion_tokens").is_not_null()
    priced = pl.col("cost_usd").is_not_null() | both_counts
    lacking = frame.group_by("model", maintain_order=True).agg((~priced).sum().alias("lacking"), pl.len().alias("rows"))
    lacking = lacking.filter(pl.col("lacking") > 0)
    if lacking.height:
        yield Finding(
            kind=Kind.PRICE,
            text="rows have neither a cost nor both token counts, so nobody can say what the call cost",
            count=int(lacking["lacking"].sum()),
            examples=some(f"{model}: {n} of {rows} rows" for model, n, rows in lacking.iter_rows()),
        )


def _free(frame: pl.DataFrame) -> Iterator[Finding]:
    costs = frame.group_by("model", maintain_order=True).agg(pl.col("cost_usd").max())
    free = costs.filter(pl.col("cost_usd") == 0)["model"]
    if len(free) and len(free) < costs["cost_usd"].count():
        text = "models cost nothing on any query while others do; is their price missing from the source's table?"
        yield Finding(kind=Kind.PRICE, text=text, count=len(free), examples=some(free), fault=False)


def _hidden_reasoning(frame: pl.DataFrame) -> Iterator[Finding]:
    priced = frame.filter(pl.col("cost_usd").is_not_null())["model"].unique(maintain_order=True)
    reasoning = [model for model in priced if REASONS.search(model)]
    if reasoning:
        text = "models that reason in hidden tokens by their names; make sure that their costs include those"
        yield Finding(kind=Kind.PRICE, text=text, count=len(reasoning), examples=some(reasoning), fault=False)
