import numpy as np
import pytest

from rl_router.evaluation.statistics.comparison import LEVEL, Verdict, verdict
from rl_router.evaluation.statistics.paired import bootstrap, bootstrap_interval, sign_flips

QUERIES, SEEDS = 2_000, 100


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_sign_flips_have_the_p_value_of_mcnemars_exact_test():
    # router A alone is right on 8 queries, B alone on 1, 20 are alike: 2 · P(at most 1 of 9) = 2 · 10 / 512
    differences = np.array([1.0] * 8 + [-1.0] + [0.0] * 20)[:, None]
    assert sign_flips(differences, draws=200_000, rng=rng())[0] == pytest.approx(20 / 512, abs=0.0015)


def test_routers_that_never_differ_have_p_one_and_those_never_compared_have_none():
    p_alike, p_unknown = sign_flips(np.array([[0.0, np.nan], [0.0, np.nan]]), draws=100, rng=rng())
    assert p_alike == 1
    assert np.isnan(p_unknown)


def test_an_ungraded_query_changes_no_p_value():
    graded = np.array([1.0] * 8 + [-1.0])[:, None]
    p_with = sign_flips(np.vstack([graded, [[np.nan]]]), draws=100_000, rng=rng())
    assert p_with[0] == pytest.approx(20 / 512, abs=0.003)


def test_the_bootstrap_scatters_by_the_standard_error():
    differences = rng(1).normal(0.1, 1.0, (400, 1))
    means = bootstrap(differences, draws=4_000, rng=rng())
    assert means.mean() == pytest.approx(differences.mean(), abs=0.005)
    assert means.std() == pytest.approx(differences.std() / 20, rel=0.05)


def test_a_bootstrap_interval_covers_the_truth_as_often_as_it_says():
    truth = 0.2
    differences = rng(2).normal(truth, 1.0, (300, 400))  # 400 experiments of 300 queries
    low, high = bootstrap_interval(differences, confidence=0.95, draws=1_000, rng=rng())
    assert np.mean((low <= truth) & (truth <= high)) == pytest.approx(0.95, abs=0.033)  # three standard errors


def test_a_bootstrap_with_unknown_queries_is_that_of_the_known_ones():
    known = rng(3).normal(size=(300, 1))
    holes = np.vstack([known, np.full((300, 1), np.nan)])
    full, partial = (bootstrap(x, draws=3_000, rng=rng()) for x in (known, holes))
    assert partial.std() == pytest.approx(full.std(), rel=0.06)
    low, high = bootstrap_interval(np.full((3, 1), np.nan), confidence=0.9, draws=10, rng=rng())
    assert np.isnan(low[0]) and np.isnan(high[0])


def routers_that_disagree_on_one_query_in_ten(gap: float) -> np.ndarray:
    """[n, seeds] differences in correctness: one query in ten is right for one of the two only, the rest are alike.

    Routers over one pool share most of their choices, and models most of their answers. With a gap of 3 points A wins
    65 % of the disputed tenth. If they disputed a third of the queries, no test could find 3 points in 2,000 reliably.
    """
    chance = rng(4)
    disputed = chance.random((QUERIES, SEEDS)) < 0.1
    a_wins = chance.random((QUERIES, SEEDS)) < 0.5 + gap / 0.2
    return np.where(disputed, np.where(a_wins, 1.0, -1.0), 0.0)


@pytest.mark.parametrize(("gap", "expected"), [(0.0, Verdict.NO_DIFFERENCE), (0.03, Verdict.BETTER)])
def test_a_planted_tie_is_called_a_tie_and_a_planted_gap_is_found(gap: float, expected: Verdict):
    differences = routers_that_disagree_on_one_query_in_ten(gap)
    p_values = sign_flips(differences, draws=10_000, rng=rng())
    verdicts = [verdict(d, p, LEVEL) for d, p in zip(differences.mean(axis=0), p_values, strict=True)]
    assert verdicts.count(expected) >= {0.0: 94, 0.03: 90}[gap]


def test_factors_give_the_same_p_values_and_means_as_the_differences_they_stand_for():
    values = np.random.default_rng(3).integers(0, 2, (200, 4)).astype(float)  # right and wrong answers of four routers
    signs = np.array([[1, 1, 1, 0, 0, 0], [-1, 0, 0, 1, 1, 0], [0, -1, 0, -1, 0, 1], [0, 0, -1, 0, -1, -1]], float)
    for measure in (sign_flips, bootstrap):
        plain = measure(values @ signs, draws=500, rng=np.random.default_rng(1))
        quick = measure(values @ signs, draws=500, rng=np.random.default_rng(1), factors=(values, signs))
        np.testing.assert_allclose(quick, plain, atol=1e-6)


def test_factors_with_unknown_values_leave_out_the_same_queries_as_the_differences():
    values = np.random.default_rng(3).random((60, 4))
    values[[0, 7, 7, 30], [1, 0, 2, 3]] = np.nan
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    signs = np.array([[(r == a) - (r == b) for a, b in pairs] for r in range(4)], float)
    differences = np.column_stack([values[:, a] - values[:, b] for a, b in pairs])
    for measure in (sign_flips, bootstrap):
        plain = measure(differences, draws=300, rng=np.random.default_rng(1))
        quick = measure(differences, draws=300, rng=np.random.default_rng(1), factors=(values, signs))
        np.testing.assert_allclose(quick, plain, atol=1e-6)
