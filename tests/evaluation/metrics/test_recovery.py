import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rl_router.errors import DataError
from rl_router.evaluation.metrics.recovery import apgr, cpt, eleven_point_curve, exact_curve, interpolated_cpt

# four queries; the strong model is right on all, the weak one on two; sending q0 and q1 first is the oracle's order
WEAK = np.array([0.0, 0.0, 1.0, 1.0])
STRONG = np.ones(4)
ORACLE = np.array([0.9, 0.8, 0.2, 0.1])


def test_the_exact_curve_has_a_point_for_every_share():
    curve = exact_curve(ORACLE, WEAK, STRONG)
    assert curve.strong_share.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve.recovered.tolist() == [0, 0.5, 1, 1, 1]


def test_apgr_is_the_area_under_the_recovered_share():
    # trapezoids of width 1/4: (0 + .5)/2, (.5 + 1)/2, 1, 1 -> (0.25 + 0.75 + 1 + 1) / 4
    assert apgr(exact_curve(ORACLE, WEAK, STRONG)) == pytest.approx(0.75)


def test_the_worst_order_mirrors_the_best():
    assert apgr(exact_curve(-ORACLE, WEAK, STRONG)) == pytest.approx(0.25)


def test_a_router_that_cannot_tell_queries_apart_has_one_half():
    curve = exact_curve(np.zeros(4), WEAK, STRONG)
    assert curve.strong_share.tolist() == [0, 1]
    assert apgr(curve) == pytest.approx(0.5)


def test_tied_scores_are_crossed_in_a_straight_line():
    # q0 and q2 tie: gains 1 and 0, half of them in expectation at every step
    curve = exact_curve(np.array([0.9, 0.5, 0.9, 0.5]), WEAK, STRONG)
    assert curve.strong_share.tolist() == [0, 0.5, 1]
    assert curve.recovered.tolist() == [0, 0.5, 1]


def test_beating_the_strong_model_counts_above_one_unless_clipped():
    # weak 1/2, strong 3/4; sending q0 and q1 only is right everywhere: PGR 1 at 1/4, 2 at 1/2 and 3/4, 1 at the end
    weak, strong = np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 1.0, 0.0])
    curve = exact_curve(ORACLE, weak, strong)
    assert curve.recovered.tolist() == [0, 1, 2, 2, 1]
    assert apgr(curve) == pytest.approx((0.5 + 1.5 + 2 + 1.5) / 4)
    assert apgr(curve, clip=True) == pytest.approx((0.5 + 1 + 1 + 1) / 4)


def test_clipping_cuts_a_segment_where_it_crosses_full_recovery():
    # one tie group of two (PGR 0 -> 2 at share 1/2), then down to 1: full recovery is reached at share 1/4
    weak, strong = np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 1.0, 0.0])
    curve = exact_curve(np.array([0.9, 0.9, 0.2, 0.1]), weak, strong)
    assert apgr(curve, clip=True) == pytest.approx(0.25 * 0.5 + 0.75)


def test_cpt_is_where_the_curve_first_reaches_the_target():
    curve = exact_curve(ORACLE, WEAK, STRONG)
    assert cpt(curve, 0.5) == 0.25
    assert cpt(curve, 0.8) == pytest.approx(0.25 + 0.25 * 0.6)
    assert cpt(curve, 0.0) == 0.0


def test_cpt_is_unknown_when_no_share_reaches_the_target():
    assert np.isnan(cpt(exact_curve(ORACLE, WEAK, STRONG), 1.5))


def test_the_eleven_points_lie_at_the_deciles_and_the_last_sends_nothing():
    score = np.arange(10.0)
    curve = eleven_point_curve(score, np.zeros(10), np.ones(10))
    # deciles 0, .9, 1.8 … 9: at or above them 10, 9, 8 … 1 queries; strictly above the last none
    assert curve.strong_share.tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert apgr(curve) == pytest.approx(0.5)


def test_eleven_points_cut_the_corner_of_a_concave_curve():
    # 100 queries of which the first five are all the gain: exact reaches 1 at 5 %, eleven points at 10 %
    score, weak = -np.arange(100.0), np.ones(100)
    weak[:5] = 0
    exact, coarse = (make(score, weak, np.ones(100)) for make in (exact_curve, eleven_point_curve))
    assert apgr(exact) == pytest.approx(1 - 0.05 / 2)
    assert apgr(coarse) == pytest.approx(1 - 0.10 / 2)
    assert cpt(exact, 0.8) == pytest.approx(0.04)
    assert interpolated_cpt(coarse, 0.8) == pytest.approx(0.08)


def test_ungraded_queries_drop_out():
    weak = np.append(WEAK, np.nan)
    curve = exact_curve(np.append(ORACLE, 5.0), weak, np.ones(5))
    assert curve.strong_share.tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_there_is_nothing_to_recover_when_the_strong_model_is_not_better():
    assert np.isnan(apgr(exact_curve(ORACLE, STRONG, STRONG)))


def test_a_score_that_is_not_a_number_is_refused():
    with pytest.raises(DataError, match="scored some queries as NaN"):
        exact_curve(np.array([np.nan, 0.8, 0.2, 0.1]), WEAK, STRONG)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=30))
def test_asking_in_the_opposite_order_recovers_what_the_order_did_not(rows: list[tuple[int, int, int]]):
    score, weak, strong = np.array(rows, float).T
    assume(strong.mean() > weak.mean())
    forth, back = apgr(exact_curve(score, weak, strong)), apgr(exact_curve(-score, weak, strong))
    assert forth + back == pytest.approx(1)
    assert forth <= apgr(exact_curve(strong - weak, weak, strong)) + 1e-9
    assert apgr(exact_curve(score, weak, strong), clip=True) <= forth + 1e-9
