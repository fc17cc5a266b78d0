"""AutoMix must keep what is right, ask again where that helps, and give up where it does not."""

import asyncio
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.errors import DataError, RecipeError
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.routers.answering import answer
from rl_router.routers.automix import AutoMix
from rl_router.routers.router import load_router
from rl_router.routers.self_verification import CONFIDENCE, VERDICTS_USD, confidence, with_self_verification
from rl_router.types import CallStatus, ModelReply, Query

KINDS = {  # confidence, score of the small model, score of the large one
    "good": (1.0, 1.0, 1.0),
    "needy": (0.5, 0.0, 1.0),
    "hopeless": (0.0, 0.0, 0.0),
}


@pytest.fixture(scope="module")
def judged(planted):
    """Red round things are good, red square ones needy, blue ones hopeless; verdicts say which, words do not matter."""

    def kind(text):
        return "hopeless" if "blue" in text else "good" if "round" in text else "needy"

    frame = planted(lambda colour, shape: {"cheap": False, "dear": False}, n=240).frame
    found = [KINDS[kind(text)] for text in frame["query"]]
    cheap = pl.col("model") == "cheap"
    return RoutingTable(
        frame.with_columns(
            pl.when(cheap)
            .then(pl.Series([k[1] for k in found]))
            .otherwise(pl.Series([k[2] for k in found]))
            .alias("score"),
            pl.when(cheap).then(pl.Series([k[0] for k in found])).alias(CONFIDENCE),
        )
    )


def asked(router, table, cost_weight=0.0):
    queries = table.queries("test")
    return dict(zip((q.text for q in queries), router.chain(queries, table, cost_weight), strict=True))


def test_the_pomdp_asks_the_large_model_only_where_it_will_be_right(judged):
    router = AutoMix(verifier="self").fit(judged.select(split="train"))
    assert (router.small_, router.large_) == ("cheap", "dear")
    chains = asked(router, judged, 0.05)
    assert all(chain == ["cheap"] for text, chain in chains.items() if "blue" in text or "round" in text)
    assert all(chain == ["cheap", "dear"] for text, chain in chains.items() if "red" in text and "square" in text)


def test_a_threshold_cannot_give_up_on_the_hopeless(judged):
    """It must ask below 0.5 to help the needy, and hopeless questions lie below that too."""
    router = AutoMix(verifier="self", meta="threshold").fit(judged.select(split="train"))
    chains = asked(router, judged, 0.05)
    assert all(chain == ["cheap", "dear"] for text, chain in chains.items() if "blue" in text)
    assert all(chain == ["cheap"] for text, chain in chains.items() if "red" in text and "round" in text)


def test_a_table_that_lacks_one_of_the_pair_is_decided_by_the_rule(judged):
    router = AutoMix(verifier="self").fit(judged.select(split="train"))
    queries = judged.queries("test")[:3]
    assert router.chain(queries, judged.select(models=["dear"])) == [["dear"]] * 3


def test_nothing_is_verified_when_no_doubt_would_be_worth_the_price(judged):
    router = AutoMix(verifier="self").fit(judged.select(split="train"))
    queries = judged.queries("test")
    assert {decision.fallbacks for decision in router.route(queries, cost_weight=0.5)} == {("dear",)}
    assert {decision.fallbacks for decision in router.route(queries, cost_weight=2.0)} == {()}
    assert {len(chain) for chain in router.chain(queries, judged, 2.0)} == {1}


def test_where_answers_are_recorded_and_verdicts_are_not_the_words_of_the_answer_are_judged(planted, tmp_path):
    """The small model says "yes" when it is right and "no" when it is not, so its words give it away."""
    table = planted(lambda colour, shape: {"cheap": colour == "red", "dear": True})
    router = AutoMix().fit(table.select(split="train"))
    chains = asked(router, table, 0.1)
    assert all((chain == ["cheap"]) == ("red" in text) for text, chain in chains.items())
    router.save(tmp_path / "router")
    assert asked(load_router(tmp_path / "router"), table, 0.1) == chains


def test_confidence_in_an_answer_is_learned_out_of_fold(planted):
    """Answers that tell nothing must earn no confidence: a verifier judging what it was fitted on would be sure."""
    table = planted(lambda colour, shape: {"cheap": False, "dear": True}, n=200)
    coin = np.random.default_rng(0).integers(0, 2, len(table.frame)).astype(float)
    words = [f"word{i} other{i}" for i in range(len(table.frame))]
    noise = RoutingTable(table.frame.with_columns(score=pl.Series(coin), response=pl.Series(words)))
    trust, small = AutoMix().fit(noise).evidence_[:, :2].T
    assert abs(np.corrcoef(trust, small)[0, 1]) < 0.25


def test_a_table_without_verdicts_or_answers_is_refused(planted):
    table = planted(lambda colour, shape: {"cheap": colour == "red", "dear": True}, n=30)
    with pytest.raises(DataError, match="reads the column self_verification, which the .* lacks"):
        AutoMix(verifier="self").fit(table)
    with pytest.raises(DataError, match="too few graded ones of cheap"):
        AutoMix().fit(RoutingTable(table.frame.with_columns(response=pl.lit(None, pl.String))))
    with pytest.raises(RecipeError, match="small=tiny is no model of the table; it has cheap, dear"):
        AutoMix(small="tiny").fit(table)
    with pytest.raises(DataError, match="needs two models"):
        AutoMix().fit(table.select(models=["cheap"]))


def test_a_confidence_is_the_share_of_readable_verdicts():
    judgements = [
        "Fine.\nVerdict: correct",
        "verdict: INCORRECT",
        "no idea",
        "Verdict: incorrect … no. Verdict: **correct**",
    ]
    assert confidence(judgements) == pytest.approx(2 / 3)
    assert confidence(["", "it is correct"]) == 0.0


class Scripted:
    """The small model answers "4" and judges 3 of 4 times in its favour; whether a judge fails is `broken`."""

    def __init__(self, broken=False):
        self.broken, self.requests = broken, []

    async def complete(self, request):
        self.requests.append(request)
        if "Proposed answer: 4" in request.prompt:
            if self.broken:
                raise RuntimeError("down")
            text = "Verdict: incorrect" if request.epoch == 2 else "Verdict: correct"
        else:
            text = "4" if request.spec.name == "cheap" else "5"
        return ModelReply(model=request.spec.name, text=text, cost_usd=0.001 if request.spec.name == "cheap" else 0.01)


def pool(backend):
    names = ("cheap", "dear")
    return ModelPool([ModelSpec(name=n, input_usd_per_mtok=1, output_usd_per_mtok=1) for n in names], backend)


QUERY = Query(query_id="q", text="2 + 2?", answers=(), task="red")


def answered(router, backend, cost_weight=0.0):
    ledger = Ledger()
    decision = router.route([QUERY], cost_weight=cost_weight)[0]
    played = answer(router, QUERY, decision, pool(backend), ledger=ledger, cost_weight=cost_weight)
    return asyncio.run(asyncio.wait_for(played, 30)).answer, ledger


def test_a_live_answer_is_verified_by_the_model_itself_and_every_verdict_is_charged(judged):
    """Four verdicts, three in favour; with the first alone the answer is trusted and the large model not asked."""
    router = AutoMix(verifier="self", samples=4, bandwidth=0.05).fit(judged.select(split="train"))
    backend = Scripted()
    _, ledger = answered(router, backend)
    judging = [request for request in backend.requests if "Proposed answer" in request.prompt]
    assert [request.epoch for request in judging] == [1, 2, 3, 4]
    assert all(request.sampling.temperature > 0 for request in judging)
    assert ledger.by_model()["cheap"].calls == 5
    text, ledger = answered(replace(router, samples=1).fit(judged.select(split="train")), Scripted(), 0.05)
    assert (text, ledger.by_model()["cheap"].calls, "dear" in ledger.by_model()) == ("4", 2, False)


def test_a_failed_first_call_goes_to_the_large_model(judged):
    router = AutoMix(verifier="self", samples=2).fit(judged.select(split="train"))

    class Down(Scripted):
        async def complete(self, request):
            if request.spec.name == "cheap":
                raise RuntimeError("down")
            return await super().complete(request)

    text, ledger = answered(router, Down())
    assert text == "5"
    assert [charge.status for charge in ledger.charges] == [CallStatus.FAILED, CallStatus.OK]


def test_at_a_high_cost_weight_the_first_answer_is_not_even_verified(judged):
    router = AutoMix(verifier="self", samples=2).fit(judged.select(split="train"))
    text, ledger = answered(router, Scripted(), cost_weight=3.0)
    assert text == "4"
    assert len(ledger.charges) == 1


def test_verdicts_are_recorded_beside_the_answers_of_the_small_model(planted):
    table = planted(lambda colour, shape: {"cheap": True, "dear": True}, n=6)
    table = RoutingTable(table.frame.with_columns(response=pl.lit("4")))
    ledger = Ledger()
    found = asyncio.run(with_self_verification(table, pool(Scripted()), "cheap", samples=4, ledger=ledger))
    assert found.select(models=["cheap"]).frame[CONFIDENCE].to_list() == [0.75] * 6
    assert found.select(models=["dear"]).frame[CONFIDENCE].null_count() == 6
    assert len(ledger.charges) == 24
    assert found.frame[VERDICTS_USD].sum() == pytest.approx(ledger.cost_usd)


def test_verdicts_are_paid_where_a_doubt_could_matter_as_recorded_or_as_the_answer_that_they_judge(judged):
    """Eight verdicts at the price of an answer; at a cost weight of 3 nothing is judged."""
    router, queries = AutoMix(verifier="self").fit(judged.select(split="train")), judged.queries("test")
    answers = judged.matrix("cost_usd", [query.query_id for query in queries], ["cheap"])[:, 0]
    assert router.judging_usd(queries, judged, 0.05).tolist() == pytest.approx((8 * answers).tolist())
    known = RoutingTable(judged.frame.with_columns(pl.lit(1e-5).alias(VERDICTS_USD)))
    assert set(router.judging_usd(queries, known, 0.05)) == {1e-5}
    assert not router.judging_usd(queries, known, 3.0).any()
    assert not AutoMix().fit(judged.select(split="train")).judging_usd(queries, known).any()
