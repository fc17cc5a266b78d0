"""The graph router must route by edges: also to a model of which it has edges and nothing else."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.routers.graphrouter import GraphRouter
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.router import load_router

QUICK = Schedule(learning_rate=0.01, batch_size=32, max_epochs=30)
SMALL = {"features": "lsa:16", "width": 16, "support": 100, "training": QUICK}


def specialists(colour, shape):
    """One is right on each colour and on each shape, and one only on red round things: edges must tell them apart."""
    red, round_ = colour == "red", shape == "round"
    return {"blue": not red, "narrow": red and round_, "red": red, "round": round_, "square": not round_}


@pytest.fixture(scope="module")
def table(planted):
    return planted(specialists, n=450)


@pytest.fixture(scope="module")
def router(table):
    return GraphRouter(**SMALL).fit(table.select(split="train"))


def test_specialists_are_found(router, table, routed, single):
    assert routed(router, table) > 0.97
    assert single(table) < 0.62


def test_a_model_joins_without_training_and_is_chosen_where_it_is_good(table, routed):
    """Without `blue`, a quarter of the queries is lost; its edges on 60 queries win most of them back."""
    before = GraphRouter(**SMALL).fit(table.select(models=["narrow", "red", "round"], split="train"))
    ids = table.select(split="train").query_ids[:60]
    newcomer = table.select(models=["blue"], split="train").frame
    few = RoutingTable(newcomer.filter(newcomer["query_id"].is_in(ids)))
    after = before.with_models(few)
    assert after.models_ == ("blue", "narrow", "red", "round")
    assert before.models_ == ("narrow", "red", "round")
    assert all(np.array_equal(after.network_[name], before.network_[name]) for name in before.network_)
    assert routed(after, table) > routed(before, table) + 0.1
    queries = [query for query in table.queries("test") if query.task == "blue" and "square" in query.text]
    assert [decision.model for decision in after.route(queries)].count("blue") > 0.5 * len(queries)
    assert after.costs_usd(queries)[0] == pytest.approx([0.005] * 4, rel=1e-3)


def test_a_joined_router_is_saved_and_loaded(router, table, tmp_path):
    renamed = table.frame.filter(table.frame["model"] == "red").with_columns(model=pl.lit("extra"))
    joined = router.with_models(RoutingTable(renamed))
    joined.save(tmp_path / "router")
    queries = table.queries("test")
    np.testing.assert_array_equal(load_router(tmp_path / "router").scores(queries), joined.scores(queries))


def test_a_query_of_no_known_task_is_heard_by_the_nearest_one(router, table):
    queries = table.queries("test")
    unknown = [replace(query, task="never seen") for query in queries]
    assert [d.model for d in router.route(unknown)] == [d.model for d in router.route(queries)]


def test_rows_without_a_score_are_no_edges(router, table):
    with pytest.raises(DataError, match="no score"):
        router.with_models(RoutingTable(table.frame.with_columns(score=pl.lit(None, pl.Float64))))
