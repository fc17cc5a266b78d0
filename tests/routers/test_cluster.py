"""Clusters of two words: their mean scores can be written down."""

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.routers.cluster import Cluster
from rl_router.types import Query


@pytest.fixture
def words(planted):
    """Every query is the one word red or blue; cheap is right on red, dear on blue."""
    frame = planted(lambda colour, shape: {"cheap": colour == "red", "dear": colour == "blue"}, n=90).frame
    return RoutingTable(frame.with_columns(query=pl.col("task")))


def test_a_cluster_says_the_mean_score_of_its_queries_shrunk_to_the_mean_of_all(words):
    router = Cluster(features="lsa:2", clusters=2, nearest=1, prior=5.0).fit(words)
    red = words.frame.filter((pl.col("query") == "red") & (pl.col("model") == "cheap")).height
    mean = red / 90  # of cheap, which is right on every red query and on no other
    found = router.scores([Query(query_id="r", text="red", answers=(), task=""), blue()])
    assert found[0, 0] == pytest.approx((red * 1.0 + 5 * mean) / (red + 5), abs=1e-5)
    assert found[1, 0] == pytest.approx((0.0 + 5 * mean) / (90 - red + 5), abs=1e-5)


def test_there_are_no_more_clusters_than_different_texts(words):
    assert len(Cluster(features="lsa:2", clusters=60).fit(words).centres_) == 2


def test_a_text_between_two_clusters_is_said_to_be_between_them(words):
    router = Cluster(features="lsa:2", clusters=2, nearest=2, prior=0.0).fit(words)
    both = router.scores([Query(query_id="b", text="red blue", answers=(), task="")])[0]
    assert both.min() > 0.05 and both.max() < 0.95


def blue():
    return Query(query_id="b", text="blue", answers=(), task="")
