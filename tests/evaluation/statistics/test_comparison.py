import numpy as np
import pytest

from rl_router.errors import DataError
from rl_router.evaluation.statistics.comparison import (
    Verdict,
    compare_all,
    compare_pairs,
    compare_tables,
    compare_with,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


BASE = np.tile([1.0, 0.0], 50)
BETTER = BASE.copy()
BETTER[1:41:2] = 1.0  # right on 20 more of 100
NOISE = BASE.copy()
NOISE[[0, 1, 2, 3]] = [0.0, 1.0, 0.0, 1.0]  # two lost, two won


def test_every_pair_of_a_table_gets_a_verdict():
    rows = compare_all({"base": BASE, "better": BETTER, "noise": NOISE}, rng=rng())
    assert [(row.router, row.other, row.verdict) for row in rows] == [
        ("base", "better", Verdict.WORSE),
        ("base", "noise", Verdict.NO_DIFFERENCE),
        ("better", "noise", Verdict.BETTER),
    ]
    assert rows[0].difference == pytest.approx(-0.2)
    assert rows[0].low < -0.2 < rows[0].high < 0
    assert rows[0].se == pytest.approx(np.sqrt(0.2 * 0.8 / 99))


def test_the_verdict_is_that_of_the_corrected_p_value():
    # 7 won, none lost: p = 2 / 128 = .0156, enough alone, too little in a table of three
    seven = np.zeros(50)
    seven[:7] = 1
    values = {"a": seven, "b": np.zeros(50), "c": np.zeros(50), "d": np.zeros(50)}
    alone = compare_pairs(values, [("a", "b")], rng=rng())
    (first, *_) = compare_pairs(values, [("a", "b"), ("a", "c"), ("a", "d")], rng=rng())
    assert alone[0].verdict is Verdict.BETTER
    assert first.p == pytest.approx(2 / 128, abs=0.004)
    assert first.p_holm == pytest.approx(3 * first.p)
    assert first.verdict is Verdict.NO_DIFFERENCE


def test_the_same_generator_gives_the_same_table():
    values = {"a": BASE, "b": NOISE}
    assert compare_all(values, rng=rng()) == compare_all(values, rng=rng())


def test_a_large_table_can_still_show_a_difference():
    # 400 comparisons: the smallest p-value times 400 must be able to fall below the level
    values = {f"r{i}": BASE for i in range(400)} | {"better": BETTER}
    rows = compare_with("better", values, rng=rng())
    assert {row.verdict for row in rows} == {Verdict.WORSE}


def test_queries_that_one_router_has_no_grade_for_are_left_out_of_its_pairs():
    holes = np.where(np.arange(100) < 10, np.nan, BETTER)
    (row,) = compare_all({"base": BASE, "holes": holes}, rng=rng())
    assert row.n == 90
    (empty,) = compare_all({"base": BASE, "none": np.full(100, np.nan)}, rng=rng())
    assert empty.n == 0
    assert empty.verdict is Verdict.NO_DIFFERENCE


def test_routers_on_different_queries_are_refused():
    with pytest.raises(DataError, match="same queries"):
        compare_all({"a": BASE, "b": BASE[:5]}, rng=rng())
    with pytest.raises(DataError, match="No values of c"):
        compare_pairs({"a": BASE, "b": BASE}, [("a", "c")], rng=rng())


def test_a_table_of_one_router_has_no_comparison():
    assert compare_all({"a": BASE}, rng=rng()) == []


def test_tables_that_are_compared_together_say_what_each_says_alone():
    """The same draws for both, and a correction over the three pairs of one and not over the four of both."""
    one, other = {"base": BASE, "better": BETTER, "noise": NOISE}, {"base": BASE, "better": BETTER}
    pairs = [("base", "better"), ("base", "noise"), ("better", "noise")]
    together = compare_tables([(one, pairs), (other, pairs[:1])], rng=rng())
    assert together == [compare_pairs(one, pairs, rng=rng()), compare_pairs(other, pairs[:1], rng=rng())]
