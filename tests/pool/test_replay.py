import asyncio

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.errors import NotRecordedError
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.replay import NO_TEXT, ReplayBackend
from rl_router.pool.spec import ModelSpec
from rl_router.types import CallStatus, Query, Usage

QUERY = Query(query_id="q1", text="1 + 1?", answers=("2",), task="sum")


def table(**changes: object) -> RoutingTable:
    row: dict[str, object] = {
        "dataset": "demo", "split": "train", "query_id": "q1", "query": "1 + 1?", "task": "sum", "ground_truth": "2",
        "model": "mini", "score": 1.0, "cost_usd": 0.003, "prompt_tokens": 1000, "completion_tokens": 500,
        "response": "two",
    }  # fmt: skip
    return RoutingTable(pl.DataFrame([row | changes]))


def pool(**changes: object) -> ModelPool:
    specs = [ModelSpec(name=name, input_usd_per_mtok=1.0, output_usd_per_mtok=2.0) for name in ("mini", "big")]
    return ModelPool(specs, ReplayBackend(table(**changes)))


def test_a_reply_is_what_was_recorded_at_the_recorded_price_and_free_for_the_wallet():
    ledger = Ledger()
    call = asyncio.run(pool().call("mini", "1 + 1?", query=QUERY, ledger=ledger))
    assert (call.reply.text, call.reply.score, call.cost_usd) == ("two", 1.0, 0.003)
    assert call.reply.usage == Usage(prompt_tokens=1000, completion_tokens=500)
    assert call.reply.status is CallStatus.OK
    assert (ledger.cost_usd, ledger.wallet_usd) == (0.003, 0.0)


def test_without_a_recorded_cost_the_tokens_are_priced():
    assert pool(cost_usd=None).ask("mini", "1 + 1?", query=QUERY).cost_usd == pytest.approx(0.002)


def test_without_a_cost_and_both_token_counts_there_is_no_reply():
    with pytest.raises(NotRecordedError, match="Neither a cost nor both token counts"):
        pool(cost_usd=None, completion_tokens=None).ask("mini", "1 + 1?", query=QUERY)


def test_a_score_without_a_text_says_so_and_a_recorded_empty_text_stays_empty():
    assert pool(response=None).ask("mini", "1 + 1?", query=QUERY).reply.text == NO_TEXT
    assert pool(response="").ask("mini", "1 + 1?", query=QUERY).reply.text == ""


def test_an_ungraded_text_is_a_reply_without_a_score():
    assert pool(score=None).ask("mini", "1 + 1?", query=QUERY).reply.score is None


@pytest.mark.parametrize("model", ["mini", "big"])
def test_what_was_not_recorded_is_never_made_up(model):
    replay = pool(score=None, response=None)
    with pytest.raises(NotRecordedError, match=f"No answer of '{model}' to query 'q1'"):
        asyncio.run(replay.call(model, "1 + 1?", query=QUERY, ledger=Ledger()))


def test_a_long_reply_is_not_cut():
    assert len(pool(response="x" * 1_000_000).ask("mini", "1 + 1?", query=QUERY).reply.text) == 1_000_000
