"""A stream of recorded answers, the changes planted in it, and a router served over it."""

import numpy as np
import polars as pl

from rl_router.data.table import RoutingTable
from rl_router.evaluation.online.kept import KeptInMemory
from rl_router.evaluation.online.stream import Change, Feedback, Stream, serve
from rl_router.evaluation.online.study import announced, recovery, regret
from rl_router.online.learner import Memory
from rl_router.routers.online import Online


def table(n=60):
    rows = [
        {
            "dataset": "d", "split": "train", "query_id": f"q{i}", "query": f"{word} question {i}", "task": word,
            "ground_truth": None, "model": model, "score": float(model == right), "cost_usd": usd, "prompt_tokens": 1,
            "completion_tokens": 1, "response": None,
        }
        for i in range(n)
        for word, right in [("red", "a") if i % 3 else ("blue", "b")]
        for model, usd in (("a", 0.001), ("b", 0.004))
    ]  # fmt: skip
    return RoutingTable(pl.DataFrame(rows, schema_overrides={"ground_truth": pl.String, "response": pl.String}))


def test_a_stream_holds_each_query_once_and_a_change_begins_at_its_request():
    stream = Stream.of(table(), 60, rng=np.random.default_rng(0))
    assert len({query.text for query in stream.queries}) == 60
    assert stream.quality.mean(axis=0).tolist() == [40 / 60, 20 / 60]
    dearer = stream.changed(Change(kind="dearer", model="b", at=30, factor=2.0))
    assert dearer.cost_usd[:30, 1].tolist() == [0.004] * 30 and dearer.cost_usd[30:, 1].tolist() == [0.008] * 30
    broken = stream.changed(Change(kind="degrades", model="a", at=30, factor=0.0))
    assert broken.quality[30:, 0].sum() == 0 and (broken.quality[:30] == stream.quality[:30]).all()
    np.testing.assert_allclose(dearer.utility(0.5, 0.004)[:30, 1], stream.quality[:30, 1] - 0.5)


def test_a_router_that_reads_the_colour_gains_on_the_best_fixed_model():
    stream = Stream.of(table(), 200, rng=np.random.default_rng(0))
    router = Online(features="lsa:2", floor=0.0).fit(table())
    found = regret(router, stream, feedback=Feedback(), seed=0, progress=lambda *step: None)
    assert found.best_per_task == 1.0 and found.mean > found.best_fixed + 0.2


def test_a_model_is_announced_by_its_price_alone():
    new = announced(table(), "b")
    assert (new.name, round(new.cost_usd, 6)) == ("b", 0.004) and 0.5 < new.quality < 0.8


def test_a_stream_kept_in_memory_and_looked_at_beforehand_is_served_as_one_from_a_file(tmp_path):
    stream = Stream.of(table(), 120, rng=np.random.default_rng(0))
    fitted = Online(features="lsa:2", algorithm="thompson", floor=0.1).fit(table())
    choices = []
    for router in (
        fitted.copied(seed=3).attach(tmp_path / "outcomes.sqlite"),
        fitted.look_ahead(stream.queries).copied(seed=3).attach(KeptInMemory()),
    ):
        served = serve(
            router, stream, cost_weight=0.2, feedback=Feedback(share=0.5, delay=5), rng=np.random.default_rng(1),
            progress=lambda done: None,
        )  # fmt: skip
        choices.append(served.choices.tolist())
    assert choices[0] == choices[1] and set(choices[0]) == {0, 1}


def test_a_router_is_over_a_change_within_a_thousand_requests_and_one_without_feedback_is_not():
    """Most questions are red, which `a` knows, until it costs a thousand times as much from request 2,000 on."""
    stream = Stream.of(table(), 4_000, rng=np.random.default_rng(0))
    router = Online(features="lsa:2", floor=0.02, memory=Memory(forgetting=0.995)).fit(table())
    change = Change(kind="dearer", model="a", at=2_000, factor=1_000.0)
    found = recovery(router, stream, change, cost_weight=0.1, seed=0, progress=lambda *step: None)
    assert found.share_before > 0.5 and found.share_after < 0.05
    assert abs(found.behind) < 3 * found.behind_se + 0.05 and abs(found.behind_afterwards) < 0.05
    assert found.later > found.unaware + 1.0
