"""Members whose scores are known, so that their mixture is."""

import numpy as np
import pytest

from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.ensemble import Ensemble
from rl_router.routers.fixed import Random
from rl_router.routers.knn import Knn


@pytest.fixture(scope="module")
def table(planted):
    return planted(lambda colour, shape: {"cheap": colour == "red", "dear": colour == "blue"})


def test_equal_weights_give_the_mean_of_the_members(table):
    train, queries = table.select(split="train"), table.queries("test")
    both = Ensemble(members=(BestPerTask(prior=0.0), Random(seed=1)), weighting="equal").fit(train)
    lookup, anything = (router.fit(train).scores(queries) for router in (BestPerTask(prior=0.0), Random(seed=1)))
    np.testing.assert_allclose(both.scores(queries), (lookup + anything) / 2, atol=1e-6)


def test_stacking_gives_all_weight_to_the_member_that_is_right(table):
    """The task says everything here, and a random score nothing."""
    train = table.select(split="train")
    weights = Ensemble(members=(Random(seed=1), BestPerTask(prior=0.0))).fit(train).weights_
    assert weights == pytest.approx([0.0, 1.0], abs=0.01)


def test_stacking_trusts_no_member_for_what_it_has_only_remembered(planted):
    """A single neighbour is always right about a query that it was fitted on, and says nothing of another here."""
    table = planted(lambda colour, shape: {"cheap": False, "dear": False}, n=200)
    coin = np.random.default_rng(1).integers(0, 2, len(table.frame)).astype(float)
    noise = type(table)(table.frame.with_columns(score=coin))
    weights = Ensemble(members=(Knn(k=1, prior=0.0), BestPerTask())).fit(noise).weights_
    assert weights[1] > 0.9
    assert weights.sum() == pytest.approx(1.0, abs=1e-6) and (weights >= 0).all()


def test_of_a_large_table_stacking_asks_a_part_and_comes_to_the_same(table, monkeypatch):
    """A third of 200 queries says as clearly which member is right."""
    train = table.select(split="train")
    monkeypatch.setattr("rl_router.routers.ensemble.MOST_ASKED", 70)
    asked = []
    scores = BestPerTask.scores
    monkeypatch.setattr(
        BestPerTask, "scores", lambda self, queries: asked.append(len(queries)) or scores(self, queries)
    )
    weights = Ensemble(members=(Random(seed=1), BestPerTask(prior=0.0))).fit(train).weights_
    assert weights == pytest.approx([0.0, 1.0], abs=0.01)
    assert sum(asked) <= 70
