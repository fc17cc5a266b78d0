"""Support vector machines on tables whose answer is planted: which model is right follows from a word, or from two."""

import numpy as np
import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.routers.svm import Svm


def test_each_model_is_chosen_for_what_it_can_do(planted, routed):
    table = planted(lambda colour, shape: {"cheap": colour == "red", "dear": colour == "blue"})
    router = Svm().fit(table.select(split="train"))
    assert routed(router, table) == 1.0
    for query, (cheap, dear) in zip(table.queries("test"), router.scores(table.queries("test")), strict=True):
        assert (cheap > 0.8, dear < 0.2) == ((True, True) if "red" in query.text else (False, False))


def test_a_kernel_finds_what_no_line_can_divide(planted, routed):
    """Right when exactly one of two things holds: no weighing of the words alone says which."""
    table = planted(lambda colour, shape: {"cheap": (colour == "red") != (shape == "round"), "dear": False}, n=400)
    table = RoutingTable(
        table.frame.with_columns(score=pl.when(pl.col("model") == "dear").then(0.5).otherwise("score"))
    )
    train = table.select(split="train")
    line = routed(Svm(features="chars", c=1.0).fit(train), table)
    kernel = routed(Svm(features="chars", kernel="rbf", gamma=2.0, c=1.0).fit(train), table)
    assert kernel > 0.72 > line  # 0.75 knows when cheap is right, 0.5 never


def test_margins_become_the_chance_of_a_right_answer(planted):
    """Words say nothing of this model, which is right three times of four."""
    table = planted(lambda colour, shape: {"cheap": False, "dear": True}, n=600)
    right = np.random.default_rng(0).random(len(table.frame)) < 0.75
    score = pl.when(pl.col("model") == "cheap").then(pl.Series(right.astype(float))).otherwise("score")
    table = RoutingTable(table.frame.with_columns(score=score))
    cheap, dear = Svm().fit(table.select(split="train")).scores(table.queries("test")).T
    assert cheap.mean() == pytest.approx(0.75, abs=0.06) and cheap.std() < 0.1
    assert (dear > 0.99).all()
