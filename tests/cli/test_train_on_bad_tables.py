"""`rl-router train` on tables that are broken or poor: refused in one line with nothing written, or said to be poor."""

import json

import polars as pl
import pytest

FIRST = pl.col("query_id") == "q01"
SCORE, COST, TEXT = pl.col("score"), pl.col("cost_usd"), pl.col("query")
BROKEN = {
    "a score that is no number": (
        [pl.when(FIRST).then(float("nan")).otherwise(SCORE).alias("score")],
        "has score = nan",
    ),
    "a score of 2": ([(SCORE * 2).alias("score")], "scores lie in 0..1"),
    "no score at all": ([pl.lit(None, pl.Float64).alias("score")], "no score in any row"),
    "a cost below zero": ([(-COST).alias("cost_usd")], "a cost is zero or more"),
    "an empty text": (
        [pl.when(FIRST).then(pl.lit(" ")).otherwise(TEXT).alias("query")],
        "an empty text as query 'q01'",
    ),
    "one text": ([pl.lit("same").alias("query")], "no query to test on, because all texts to test are fitted on too"),
    "another split": (
        [pl.lit("test").alias("split")],
        "no split 'train' to fit on; it has test: name one with splits.fit",
    ),
    "a model without a name": (
        [pl.when(FIRST).then(None).otherwise(pl.col("model")).alias("model")],
        "without a 'model'",
    ),
}


@pytest.fixture
def frame(here):
    return pl.read_parquet(here / "table.parquet")


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_table_is_refused_and_nothing_is_written(how, frame, here, refused):
    changes, said = BROKEN[how]
    frame.with_columns(changes).write_parquet(here / "broken.parquet")
    error = refused("train", "knn", "data=broken.parquet", "name=broken")
    assert said in error and "broken.parquet" in error
    assert not (here / "runs" / "broken").exists()


@pytest.mark.parametrize("content", [b"", b"not a parquet file", b"PAR1 cut in half"])
def test_a_file_that_is_no_parquet_is_refused_by_its_name(content, here, refused):
    (here / "broken.parquet").write_bytes(content)
    assert "broken.parquet cannot be read as a parquet file" in refused("train", "knn", "data=broken.parquet")


@pytest.mark.parametrize("name", ["knn", "ridge", "cluster"])
def test_names_and_texts_of_any_script_are_names_and_texts(name, frame, here, ask):
    names = {"small": "模型/ü b🦙", "large": "large\nmodel"}
    odd = frame.with_columns(pl.col("model").replace(names), query=pl.lit("Ünïcödé 問題 🦙 ") + TEXT)
    odd.write_parquet(here / "odd.parquet")
    ask("train", name, "data=odd.parquet", "name=odd")
    record = json.loads(ask("route", "runs/odd", "問題 proof", "--json"))
    assert set(record["predicted_quality"]) == set(names.values())
    assert record["model"] == "large\nmodel"


def test_models_that_always_tie_go_to_the_cheapest(frame, here, ask):
    frame.with_columns(score=pl.lit(1.0)).write_parquet(here / "ties.parquet")
    for name in ("knn", "svm", "elo"):
        ask("train", name, "data=ties.parquet", "name=ties")
        assert json.loads(ask("route", "runs/ties", "proof number7", "--json"))["model"] == "small"


def test_a_table_of_one_model_leaves_nothing_to_choose_and_that_is_said(frame, here, heard):
    frame.filter(pl.col("model") == "small").write_parquet(here / "one.parquet")
    assert "the table has one model, small, so there is nothing to choose" in heard("train", "knn", "data=one.parquet")


def test_a_router_that_knows_users_says_when_the_table_names_none(heard):
    assert "names a user (`user` in its column meta), so user_elo knows" in heard(
        "train", "user_elo", "data=table.parquet"
    )


def test_the_progress_of_a_router_that_is_a_baseline_too_is_its_own(heard):
    """At a cost weight of 0 kNN sends all to large, poems by a hair: $0.01 a query, where the oracle pays $0.004."""
    said = heard("train", "knn", "data=table.parquet", "cost_weights=[0]")
    assert "reward 1.00  cost $0.0100" in said
