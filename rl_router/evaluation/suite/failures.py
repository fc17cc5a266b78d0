"""A collected table as it is judged: a call that failed is a wrong answer that was paid for, not a missing one.

A reply cut off at its token limit counts as truncated. What was never asked, because a budget was spent, stays unknown.
"""

from __future__ import annotations

import polars as pl

from rl_router.data.table import RoutingTable
from rl_router.types import CallStatus

UNASKED = (CallStatus.OVER_BUDGET.value,)
CUT = ("length", "max_tokens")


def settled(table: RoutingTable) -> RoutingTable:
    """With `failed` and `truncated` as 0 or 1 and retries in the cost; a table without a `status` stays as it is."""
    if "status" not in table.frame.columns:
        return table
    failed = ~pl.col("status").is_in([CallStatus.OK.value, *UNASKED])
    cut = pl.col("finish_reason").is_in(CUT).fill_null(False) | (pl.col("status") == "truncated")
    return table.part(
        table.frame.with_columns(
            failed=failed.cast(pl.Float64),
            truncated=cut.cast(pl.Float64),
            score=pl.when(failed).then(0.0).otherwise(pl.col("score")),
            cost_usd=pl.when(failed).then(pl.col("cost_usd").fill_null(0.0)).otherwise(pl.col("cost_usd"))
            + pl.col("retry_cost_usd").fill_null(0.0),
        )
    )
