"""Models that answer from a routing table: the recorded text, score, tokens and price, and never a made-up one."""

from __future__ import annotations

from rl_router.data.table import RoutingTable, Row
from rl_router.errors import NotRecordedError
from rl_router.pool.backend import Request
from rl_router.types import ModelReply, Usage

NO_TEXT = "(no text recorded)"


class ReplayBackend:
    """Replies are looked up by the question of the episode and the model; the sub-query's wording has no say.

    They count as cache hits: the episode pays the recorded price, the wallet nothing.
    """

    def __init__(self, table: RoutingTable) -> None:
        self.table = table

    async def complete(self, request: Request) -> ModelReply:
        return self.reply(request)

    def reply(self, request: Request) -> ModelReply:
        row = self.table.cell(request.query.query_id, request.spec.name)
        if row is None or (row.response is None and row.score is None):
            raise NotRecordedError(
                f"No answer of {request.spec.name!r} to query {request.query.query_id!r} is in the {self.table.where}; "
                f"ask only for what was recorded, or use a pool that can answer."
            )
        if not is_priced(row):
            raise NotRecordedError(
                f"Neither a cost nor both token counts of {row.model!r} on query {row.query_id!r} are in the "
                f"{self.table.where}; record one of them or leave the query out."
            )
        return ModelReply(
            model=row.model,
            text=NO_TEXT if row.response is None else row.response,
            usage=Usage(prompt_tokens=row.prompt_tokens or 0, completion_tokens=row.completion_tokens or 0),
            score=row.score,
            cost_usd=row.cost_usd,
            from_cache=True,
        )


def is_priced(row: Row) -> bool:
    """Whether the price of the call is known: recorded, or computable from both token counts."""
    return row.cost_usd is not None or (row.prompt_tokens is not None and row.completion_tokens is not None)
