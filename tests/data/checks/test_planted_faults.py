"""Each fault that is planted in a clean table is found, by its kind and its count."""

import json

import numpy as np
import polars as pl
import pytest

from rl_router.data.checks import Kind, check_frame
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError


def faults(frame):
    return {(finding.kind, finding.count) for finding in check_frame(frame).faults}


def where(condition, value, column):
    return pl.when(condition).then(value).otherwise(pl.col(column)).alias(column)


def cell(query_id, model):
    return (pl.col("query_id") == query_id) & (pl.col("model") == model)


def test_a_clean_table_has_no_findings(clean):
    report = check_frame(clean)
    assert report.findings == ()
    assert (report.queries, report.rows, report.usable_rows) == (600, 2400, 2400)


def in_split(frame, split):
    return frame.filter(pl.col("split") == split)["query_id"].unique(maintain_order=True).to_list()


def again(frame, query_id, new_id, **changes):
    """`frame` with the rows of `query_id` once more under `new_id`."""
    rows = frame.filter(pl.col("query_id") == query_id).with_columns(
        pl.lit(new_id).alias("query_id"), *(pl.lit(value).alias(column) for column, value in changes.items())
    )
    return pl.concat([frame, rows])


def test_queries_of_test_that_are_in_train_are_counted(clean):
    train, test = in_split(clean, "train"), in_split(clean, "test")
    texts = dict(clean.select("query_id", "query").iter_rows())
    for leaked, seen in zip(test[:7], train[:7], strict=True):
        clean = clean.with_columns(where(pl.col("query_id") == leaked, pl.lit(texts[seen]), "query"))
    assert faults(clean) == {(Kind.LEAK, 7)}


def test_a_leak_that_differs_only_in_case_and_spaces_is_a_leak(clean):
    train, test = in_split(clean, "train")[0], in_split(clean, "test")[0]
    text = clean.filter(pl.col("query_id") == train)["query"][0]
    leaky = clean.with_columns(where(pl.col("query_id") == test, pl.lit(text.upper() + "  "), "query"))
    (finding,) = check_frame(leaky).faults
    assert "0 of the 100 queries of split 'test' are in 'train' word for word and 1 but for case" in finding.text


def test_one_question_under_two_ids_is_a_duplicate(clean):
    first = in_split(clean, "train")[0]
    assert faults(again(clean, first, "copy")) == {(Kind.DUPLICATE, 1)}


def picture(url):
    return json.dumps({"images": [url]})


@pytest.mark.parametrize(("other", "found"), [("b.png", set()), ("a.png", {(Kind.LEAK, 1)})])
def test_one_text_about_another_picture_is_another_question(clean, other, found):
    test = in_split(clean, "test")[0]
    frame = again(clean, test, "copy", split="train").with_columns(
        meta=pl.when(pl.col("query_id") == "copy").then(pl.lit(picture(other))).otherwise(pl.lit(picture("a.png")))
    )
    assert faults(frame) == found


def test_a_question_whose_models_are_split_over_two_ids_is_found(clean):
    moved = clean.with_columns(where(cell("q0", "huge"), pl.lit("q0 again"), "query_id"))
    (finding,) = check_frame(moved).faults
    assert (finding.kind, finding.count, finding.examples) == (Kind.DUPLICATE, 1, ("q0 + q0 again",))
    assert "split over several query ids" in finding.text


def test_missing_prices_are_counted_per_model(clean):
    unpriced = clean.with_columns(
        where(pl.col("model") == "huge", None, "cost_usd"), where(pl.col("model") == "huge", None, "prompt_tokens")
    )
    (finding,) = check_frame(unpriced).faults
    assert (finding.kind, finding.count, finding.examples) == (Kind.PRICE, 600, ("huge: 600 of 600 rows",))


def test_a_failed_call_without_a_cost_is_a_note(clean):
    failed = clean.with_columns(
        where(cell("q0", "huge"), None, name) for name in ("score", "response", "cost_usd", "prompt_tokens")
    )
    report = check_frame(failed)
    assert report.faults == ()
    assert (Kind.PRICE, 1, ("huge: 1 of 600 rows",)) in [(f.kind, f.count, f.examples) for f in report.findings]


def test_a_cost_that_both_token_counts_can_make_is_not_missing(clean):
    assert faults(clean.with_columns(cost_usd=pl.lit(None, dtype=pl.Float64))) == set()


def test_a_model_that_never_costs_anything_is_a_note(clean):
    report = check_frame(clean.with_columns(where(pl.col("model") == "huge", 0.0, "cost_usd")))
    assert report.faults == ()
    assert [(f.kind, f.examples) for f in report.findings] == [(Kind.PRICE, ("huge",))]


def test_a_model_that_bills_hidden_tokens_is_a_note(clean):
    report = check_frame(clean.with_columns(pl.col("model").replace({"huge": "o1-mini", "large": "turbo1"})))
    assert [(f.fault, f.examples) for f in report.findings] == [(False, ("o1-mini",))]


def test_percentages_are_impossible_scores(clean):
    (finding,) = check_frame(clean.with_columns(score=pl.col("score") * 100)).faults
    assert finding.kind is Kind.SCORE and "may be percentages" in finding.text
    assert finding.count == int((clean["score"] == 1).sum())


def test_nan_and_infinity_are_impossible(clean):
    bad = clean.with_columns(
        where(cell("q3", "huge"), float("nan"), "score"), where(cell("q4", "huge"), float("inf"), "cost_usd")
    )
    assert faults(bad) == {(Kind.SCORE, 1), (Kind.PRICE, 1)}


def test_probabilities_where_correctness_is_meant_are_found(clean):
    rng = np.random.default_rng(0)
    probability = pl.Series(rng.uniform(0.3, 1.0, clean.height).astype(np.float32))
    guessed = clean.with_columns(score=pl.when(pl.col("score") == 1).then(probability).otherwise(0.0))
    (finding,) = check_frame(guessed).faults
    assert (finding.kind, finding.examples) == (Kind.SCORE, ("task0", "task1"))


def test_shares_of_attempts_and_f1_are_grades(clean):
    rng = np.random.default_rng(0)
    tenths = rng.integers(0, 11, clean.height) / 10
    assert Kind.SCORE not in {kind for kind, _ in faults(clean.with_columns(score=pl.Series(tenths)))}
    common, words, right = (rng.integers(low, high, clean.height) for low, high in ((1, 4), (4, 30), (4, 30)))
    f1 = 2 * common / (words + right)
    assert Kind.SCORE not in {kind for kind, _ in faults(clean.with_columns(score=pl.Series(f1)))}


def test_answers_that_nobody_graded_are_a_note(clean):
    report = check_frame(clean.with_columns(where(pl.col("model") == "small", None, "score")))
    assert report.faults == ()
    assert ("small: 600 of 600 rows",) in [finding.examples for finding in report.findings]


def change(column, value, condition=cell("q1", "huge")):  # noqa: B008 an expression is a constant
    return lambda frame: frame.with_columns(where(condition, value, column))


BROKEN = {
    "no column": (lambda frame: frame.drop("cost_usd", "response"), (Kind.SCHEMA, 2)),
    "wrong type": (change("prompt_tokens", pl.lit("many")), (Kind.SCHEMA, 1)),
    "half a token": (lambda frame: frame.with_columns(prompt_tokens=pl.lit(2.5)), (Kind.SCHEMA, 2400)),
    "no model": (change("model", None), (Kind.SCHEMA, 1)),
    "blank query": (change("query", pl.lit(" "), pl.col("query_id") == "q1"), (Kind.SCHEMA, 4)),
    "negative cost": (change("cost_usd", -0.1), (Kind.PRICE, 1)),
    "negative count": (change("prompt_tokens", -1), (Kind.SCHEMA, 1)),
    "cell twice": (lambda frame: pl.concat([frame, frame.head(3)]), (Kind.SCHEMA, 3)),
    "two texts": (change("query", pl.lit("other")), (Kind.SCHEMA, 1)),
    "two splits": (change("split", pl.lit("other")), (Kind.SCHEMA, 1)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_table_refuses_the_check_reports(clean, name):
    plant, expected = BROKEN[name]
    broken = plant(clean)
    assert expected in faults(broken)
    if name != "blank query":
        with pytest.raises(DataError):
            RoutingTable(broken)


def test_all_faults_are_reported_in_one_go(clean):
    broken = clean
    for name in ("wrong type", "negative cost", "cell twice", "two splits", "no model"):
        plant, _ = BROKEN[name]
        broken = plant(broken)
    found = faults(broken)
    assert {(Kind.PRICE, 1), (Kind.SCHEMA, 3)} <= found
    texts = " ".join(finding.text for finding in check_frame(broken).faults)
    for part in ("'prompt_tokens' holds", "without a 'model'", "impossible values in 'cost_usd'", "different splits"):
        assert part in texts


def test_a_frame_without_queries_is_reported_and_nothing_else_tried(clean):
    report = check_frame(clean.drop("query_id"))
    assert [(f.kind, f.count) for f in report.findings] == [(Kind.SCHEMA, 1)]
    assert (report.queries, report.headrooms) == (0, ())


@pytest.mark.parametrize("column", ["dataset", "split", "query_id", "query", "task", "model", "score", "cost_usd"])
@pytest.mark.parametrize("values", [[1, 2], [[1], [2]], [None, None], [True, False], ["x", "y"]], ids=str)
def test_no_content_of_a_column_is_a_crash(clean, column, values):
    odd = clean.head(80).with_columns(pl.Series(column, values * 40))
    assert check_frame(odd).rows == 80
