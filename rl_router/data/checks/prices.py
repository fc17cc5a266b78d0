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
    lacking = frame.filter(pl.col("cost_usd").is_null() & ~both_counts)
    failed = pl.col("score").is_null() & pl.col("response").is_null()
    text = "rows have neither a cost nor both token counts, so nobody can say what the call cost"
    yield from _unpriced(lacking.filter(~failed), frame, text)
    text = "rows have no answer, no score and no cost: calls that failed, whose cost, if any, nobody told"
    yield from _unpriced(lacking.filter(failed), frame, text, fault=False)


def _unpriced(rows: pl.DataFrame, frame: pl.DataFrame, text: str, fault: bool = True) -> Iterator[Finding]:
    if rows.height:
        per_model = rows.group_by("model", maintain_order=True).len("lacking")
        counts = per_model.join(frame.group_by("model").len("rows"), on="model", maintain_order="left")
        examples = some(f"{model}: {n} of {all_rows} rows" for model, n, all_rows in counts.iter_rows())
        yield Finding(kind=Kind.PRICE, text=text, count=rows.height, examples=examples, fault=fault)


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
