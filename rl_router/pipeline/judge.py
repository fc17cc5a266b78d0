"""The judge's calls go through a pool like any other, so that they are priced, limited and in the ledger."""

from __future__ import annotations

from rl_router.data.graders.judge import Judge
from rl_router.pool.budget import Budget
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.types import ModelReply, Query

MAX_TOKENS = 1024


def pool_judge(pool: ModelPool, model: str, *, ledger: Ledger, budget: Budget | None = None) -> Judge:
    """A judge that asks `model` of `pool`, and is refused at once when the pool does not hold it."""
    name = pool.spec(model).name

    async def ask(prompt: str, query: Query) -> ModelReply:
        call = await pool.call(name, prompt, query=query, ledger=ledger, budget=budget, max_tokens=MAX_TOKENS)
        return call.reply

    return Judge(ask)
