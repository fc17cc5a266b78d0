"""A lookup whose means were worked out by hand; and the ceiling above every lookup."""

from dataclasses import replace

import pytest

from rl_router.errors import DataError
from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.oracle import Oracle


def test_a_task_says_its_mean_score_shrunk_to_the_mean_of_all(planted):
    """Tasks are colours: cheap is right on red alone, so (r · 1 + 1 · r/n) / (r + 1) on red."""
    table = planted(lambda colour, shape: {"cheap": colour == "red", "dear": True}, n=100)
    queries = table.queries()
    red = [query for query in queries if query.task == "red"]
    share = len(red) / len(queries)
    found = BestPerTask(prior=1.0).fit(table).scores([red[0], replace(red[0], task="green")])
    assert found[0] == pytest.approx([(len(red) + share) / (len(red) + 1), 1.0], abs=1e-6)
    assert found[1] == pytest.approx([share, 1.0], abs=1e-6)  # a task unheard of


def test_the_oracle_asks_the_cheapest_model_that_is_right(planted, routed):
    table = planted(lambda colour, shape: {"cheap": colour == "red", "dear": True}, n=60)
    test = table.select(split="test")
    router = Oracle().fit(test)
    assert routed(router, table) == 1.0
    for query, decision in zip(test.queries(), router.route(test.queries()), strict=True):
        assert decision.model == ("cheap" if query.task == "red" else "dear")
    with pytest.raises(DataError, match="no recorded answers to query 'new'"):
        router.route([replace(test.queries()[0], query_id="new")])
