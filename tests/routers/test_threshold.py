"""A difficulty that was worked out by hand, and the curves over it."""

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.routers.threshold import Threshold
from rl_router.types import Query

EASY, HARD = (Query(query_id=word, text=word, answers=(), task="") for word in ("easy", "hard"))


@pytest.fixture
def router(planted):
    """200 easy and 200 hard queries: cheap is right on the easy ones, dear on all."""
    frame = planted(lambda colour, shape: {"cheap": True, "dear": True}, n=400).frame
    easy = pl.int_range(pl.len()) // 2 % 2 == 0  # two rows per query
    score = pl.when((pl.col("model") == "cheap") & ~easy).then(0.0).otherwise(1.0)
    word = pl.when(easy).then(pl.lit("easy")).otherwise(pl.lit("hard"))
    return Threshold(ridge=1e-3).fit(RoutingTable(frame.with_columns(query=word, score=score)))


def test_difficulty_is_what_models_lose_on_a_query_against_their_means(router):
    """Means are 0.5 and 1; on an easy query they do 0.5 and 0 better, on average 0.25."""
    assert router.difficulty([EASY, HARD]) == pytest.approx([-0.25, 0.25], abs=1e-3)


def test_the_chance_of_a_weak_model_falls_with_difficulty_and_that_of_a_perfect_one_does_not(router):
    (cheap_easy, dear_easy), (cheap_hard, dear_hard) = router.scores([EASY, HARD])
    assert cheap_easy > 0.95 and cheap_hard < 0.05
    assert dear_easy > 0.99 and dear_hard > 0.99


def test_the_threshold_moves_with_the_cost_weight(router):
    """The dear model costs ten times as much: at a weight of 0 only ties go to the cheap one, at 2 everything does."""

    def chosen(weight):
        return [decision.model for decision in router.route([EASY, HARD], cost_weight=weight)]

    assert (chosen(0.1), chosen(2.0)) == (["cheap", "dear"], ["cheap", "cheap"])
