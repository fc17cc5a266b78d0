"""A small model judges its own answer, several times: the share of "correct" is its confidence in it.

AutoMix (arXiv 2310.12963), section 3.2: a few examples of judgements, the question, the answer, and a verdict, sampled
at a temperature. The examples here are our own and of no benchmark. The model is called through the pool, so every
verdict is charged to the ledger.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import polars as pl

from rl_router.data.table import RoutingTable
from rl_router.pool.backend import Request, Sampling
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.types import CallStatus, Query

CONFIDENCE = "self_verification"
"""The column of a routing table that holds, in a model's own rows, its confidence in its own answer."""
VERDICTS_USD = "self_verification_usd"
"""The column beside it: what its verdicts cost together."""

VERDICT = re.compile(r"verdict:\W*(in)?correct\b", re.IGNORECASE)
TEMPERATURE = 0.7
MAX_TOKENS = 256
AT_ONCE = 16

PROMPT = """Decide whether the proposed answer to a question is correct. Check it step by step and be strict: an answer
that is incomplete or does not follow from the question is incorrect. End with one line, "Verdict: correct" or
"Verdict: incorrect".

Question: A shelf holds 4 boxes of 6 pens each. How many pens are on the shelf?
Proposed answer: 10
Check: 4 boxes of 6 pens are 4 * 6 = 24 pens. The answer adds the numbers instead.
Verdict: incorrect

Question: The bridge was opened in 1932 by the mayor, two years after work on it began. When did work begin?
Proposed answer: It began in 1930.
Check: Two years before 1932 is 1930. The answer says 1930.
Verdict: correct

Question: {question}
Proposed answer: {answer}
Check:"""


async def self_confidence(
    pool: ModelPool, model: str, query: Query, answer: str, *, samples: int, ledger: Ledger
) -> tuple[float, float]:
    """The share of `samples` verdicts that call the answer correct, 0 without a readable one, and their cost in USD."""
    prompt = PROMPT.format(question=query.text, answer=answer)
    asked = [
        Request(
            spec=pool.spec(model), prompt=prompt, query=query, max_tokens=MAX_TOKENS,
            sampling=Sampling(temperature=TEMPERATURE), epoch=epoch,
        )
        for epoch in range(1, samples + 1)
    ]  # fmt: skip
    calls = await asyncio.gather(*(pool.send(request, ledger=ledger) for request in asked))
    texts = [call.reply.text for call in calls if call.reply.status == CallStatus.OK]
    return confidence(texts), sum(call.cost_usd for call in calls)


def confidence(judgements: Sequence[str]) -> float:
    """The share of readable judgements whose last verdict is "correct", 0 when none is readable."""
    verdicts = [list(VERDICT.finditer(text)) for text in judgements]
    readable = [found[-1].group(1) is None for found in verdicts if found]
    return sum(readable) / len(readable) if readable else 0.0


async def with_self_verification(
    table: RoutingTable, pool: ModelPool, model: str, *, samples: int, ledger: Ledger
) -> RoutingTable:
    """`table` with the confidence of `model` in each of its recorded answers, in the column `self_verification`, and
    what its verdicts cost in `self_verification_usd`."""
    queries = {query.query_id: query for query in table.queries()}
    rows = table.select(models=[model]).frame.filter(pl.col("response").is_not_null())
    slots = asyncio.Semaphore(AT_ONCE)

    async def judge(query_id: str, answer: str) -> tuple[float, float]:
        async with slots:
            return await self_confidence(pool, model, queries[query_id], answer, samples=samples, ledger=ledger)

    pairs = list(zip(rows["query_id"], rows["response"], strict=True))
    found = await asyncio.gather(*(judge(query_id, answer) for query_id, answer in pairs))
    judged = pl.DataFrame(
        [(query_id, model, *values) for (query_id, _), values in zip(pairs, found, strict=True)],
        schema={"query_id": pl.String, "model": pl.String, CONFIDENCE: pl.Float64, VERDICTS_USD: pl.Float64},
        orient="row",
    )
    rest = table.frame.drop(CONFIDENCE, VERDICTS_USD, strict=False)
    frame = rest.join(judged, on=["query_id", "model"], how="left")
    return RoutingTable(frame, where=table.where)
