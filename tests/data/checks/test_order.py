"""Rows of a model in another order are found, in planted matrices and in none of the real ones."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rl_router.data.checks import Kind
from rl_router.data.checks.order import alignments, order_findings
from rl_router.data.table import RoutingTable

DATA = Path(__file__).parents[3].parent / "shared" / "data"
# Each README's "row-alignment check": the least and the middle correlation of a model with the mean of the others.
REAL = {
    "routerdc/long": (0.589, 0.673),
    "routerbench_subset/long": (0.330, 0.425),
    "llmrouter_example/long": (0.354, 0.559),
    "llmrouter_example/nq500_long": (0.414, 0.473),
    "routellm_evals/long": (0.405, 0.405),
    "zeroeval/long": None,
    "zeroeval/responses_pool10": None,
}
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real tables of ../shared/data are not here")


def shuffled(frame, models, within=()):
    """`frame` with the scores of `models` in another order of the items: the same one for all, within groups or not."""
    parts = frame.partition_by(within, maintain_order=True) if within else [frame]
    return pl.concat([_shuffled_part(part, models) for part in parts])


def _shuffled_part(frame, models):
    ids = frame["query_id"].unique(maintain_order=True)
    others = dict(zip(ids, np.random.default_rng(0).permutation(ids.to_numpy()), strict=True))
    moved = frame.filter(pl.col("model").is_in(models)).select(
        pl.col("query_id").replace(others), "model", pl.col("score").alias("moved")
    )
    joined = frame.join(moved, on=["query_id", "model"], how="left", maintain_order="left")
    score = pl.when(pl.col("model").is_in(models)).then("moved").otherwise("score")
    return joined.with_columns(score=score).drop("moved")


def order_findings_of(frame):
    return order_findings(RoutingTable(frame))


def alignments_of(frame):
    return alignments(RoutingTable(frame))


def odd_models(frame):
    (finding,) = order_findings_of(frame)
    assert finding.kind is Kind.ORDER and finding.fault
    return set(finding.examples)


def test_models_in_one_order_agree(clean):
    assert order_findings_of(clean) == []


def test_one_model_in_another_order_is_named(clean):
    assert odd_models(shuffled(clean, ["large"])) == {"large"}


def test_a_model_shuffled_within_each_task_is_named_though_it_follows_the_tasks_difficulty(clean):
    # far apart tasks, so that the plain correlation stays high
    easy = clean.with_columns(
        score=pl.when(pl.col("task") == "task0").then(pl.col("score").clip(0.8)).otherwise("score")
    )
    moved = shuffled(easy, ["large"], within=["task"])
    plain = {a.model: a.with_mean for a in alignments_of(moved)}
    assert plain["large"] > 0.3
    assert odd_models(moved) == {"large"}


def test_two_orders_of_two_models_each_are_told_apart(clean):
    assert odd_models(shuffled(clean, ["large", "huge"])) in ({"large", "huge"}, {"small", "medium"})


def test_models_that_all_have_orders_of_their_own_agree_with_nobody(clean):
    moved = clean
    for seed, model in enumerate(("small", "medium", "large")):
        rng = np.random.default_rng(seed)
        scores = moved.filter(pl.col("model") == model)["score"].to_numpy()
        place = pl.col("model") == model
        moved = pl.concat(
            [moved.filter(~place), moved.filter(place).with_columns(score=pl.Series(rng.permutation(scores)))]
        )
    (finding,) = order_findings_of(moved)
    assert finding.count == 4 and "no two models agree" in finding.text


def first(frame, n):
    return frame.filter(pl.col("query_id").is_in([f"q{i}" for i in range(n)]))


def test_in_a_small_table_a_shuffled_model_is_suspected(clean):
    few = first(clean, 100)
    assert order_findings_of(few) == []
    (finding,) = order_findings_of(shuffled(few, ["large"]))
    assert finding.examples == ("large",) and "as far as 100 queries can tell" in finding.text


def test_too_few_queries_or_models_are_not_judged(clean):
    assert order_findings_of(shuffled(first(clean, 39), ["large"])) == []
    two = first(clean, 100).filter(pl.col("model").is_in(["large", "huge"]))
    assert order_findings_of(shuffled(two, ["large"])) == []


def test_a_model_that_is_always_right_is_not_judged(clean):
    perfect = clean.with_columns(score=pl.when(pl.col("model") == "huge").then(1.0).otherwise("score"))
    assert order_findings_of(perfect) == []


@needs_data
@pytest.mark.parametrize("name", REAL)
def test_no_real_table_is_accused_and_its_figures_are_those_of_its_readme(name):
    frame = pl.read_parquet(DATA / f"{name}.parquet")
    assert order_findings_of(frame) == []
    if REAL[name]:
        found = [a.with_mean for a in alignments_of(frame)]
        assert (round(min(found), 3), round(float(np.median(found)), 3)) == REAL[name]


@needs_data
@pytest.mark.parametrize("name", REAL)
def test_a_permutation_planted_in_a_real_table_is_found(name):
    frame = pl.read_parquet(DATA / f"{name}.parquet").with_columns(pl.col("score").cast(pl.Float64))
    answered = frame.group_by("model", maintain_order=True).len().sort("len", descending=True, maintain_order=True)
    victim = answered["model"][0]
    expected = {victim} if answered.height > 2 else set(answered["model"])
    assert odd_models(shuffled(frame, [victim])) == expected
    assert odd_models(shuffled(frame, [victim], within=["dataset", "split", "task"])) == expected
