import numpy as np
import pytest

from rl_router.evaluation.statistics.comparison import Verdict
from rl_router.evaluation.statistics.seeds import compare_seeded, seeded_mean


def test_the_two_sources_of_chance_are_told_apart():
    # two seeds that differ by .2 on every query, queries 0 and 1: no rest
    average = seeded_mean(np.array([[0.0, 1.0], [0.2, 1.2]]))
    assert average.value == pytest.approx(0.6)
    # seed averages .5 and .7: s / sqrt(2) = .1414 / 1.414; query averages .1 and 1.1: .7071 / 1.414
    assert average.se_seeds == pytest.approx(0.1)
    assert average.se_queries == pytest.approx(0.5)
    assert average.se == pytest.approx(np.sqrt(0.1**2 + 0.5**2))


def test_one_seed_has_the_standard_error_of_its_queries_and_an_unknown_one_of_seeds():
    average = seeded_mean(np.array([1.0, 0.0, 1.0, 0.0]))
    assert average.se == average.se_queries == pytest.approx(np.sqrt(1 / 3) / 2)
    assert np.isnan(average.se_seeds)


def test_a_query_without_a_grade_under_one_seed_is_left_out_under_all():
    average = seeded_mean(np.array([[0.0, 1.0, np.nan], [0.2, 1.2, 9.0]]))
    assert (average.n, average.seeds) == (2, 2)
    assert average.value == pytest.approx(0.6)
    assert np.isnan(seeded_mean(np.array([[np.nan], [1.0]])).value)


def test_the_standard_error_is_that_of_repeating_with_new_seeds_and_new_queries():
    rng = np.random.default_rng(0)

    def experiment() -> tuple[float, float]:
        seeds, queries = rng.normal(0, 0.05, (5, 1)), rng.normal(0, 0.4, (1, 100))
        average = seeded_mean(0.5 + seeds + queries + rng.normal(0, 0.2, (5, 100)))
        return average.value, average.se**2

    values, variances = np.array([experiment() for _ in range(600)]).T
    assert np.mean(variances) == pytest.approx(values.var(), rel=0.15)


def test_seeds_that_disagree_make_no_difference_sure():
    rng = np.random.default_rng(1)
    base = rng.random(5_000)
    steady = base[None]
    wild = base + np.array([[0.10], [-0.04], [0.03]])  # mean +.03, three seeds apart by far more
    close = base + np.array([[0.031], [0.029], [0.030]])
    values = {"steady": steady, "wild": wild, "close": close}
    unsure, sure = compare_seeded(values, [("wild", "steady"), ("close", "steady")])
    assert [unsure.difference, sure.difference] == pytest.approx([0.03, 0.03])
    assert unsure.verdict is Verdict.NO_DIFFERENCE
    assert sure.verdict is Verdict.BETTER
    assert unsure.low < 0 < sure.low


def test_a_table_of_seeded_routers_is_corrected_as_a_whole():
    rng = np.random.default_rng(2)
    values = {name: rng.random((3, 200)) for name in "abc"}
    rows = compare_seeded(values, [("a", "b"), ("a", "c"), ("b", "c")])
    smallest = min(rows, key=lambda row: row.p)
    assert smallest.p_holm == pytest.approx(min(1, 3 * smallest.p))


def test_a_tie_between_seeded_routers_is_seldom_called_a_difference():
    rng = np.random.default_rng(3)

    def false_alarm() -> bool:
        queries = rng.random(300)
        first, second = (queries + rng.normal(0, 0.03, (4, 1)) + rng.normal(0, 0.1, (4, 300)) for _ in range(2))
        (row,) = compare_seeded({"a": first, "b": second}, [("a", "b")])
        return row.verdict is not Verdict.NO_DIFFERENCE

    assert np.mean([false_alarm() for _ in range(300)]) <= 0.06


def test_three_seeds_that_agree_are_no_difference_from_one():
    """The sum of three times 0.1 by three is not 0.1 in floating point; over 50 queries that looked like certainty."""
    one = np.full((1, 50), 0.1)
    (row,) = compare_seeded({"a": np.repeat(one, 3, axis=0), "b": one}, [("a", "b")])
    assert np.full(3, 0.1).sum() / 3 != 0.1
    assert (row.difference, row.p, row.verdict.value) == (0.0, 1.0, "no difference")
