"""The two fits that routers share, against answers that can be written down."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit

from rl_router.routers.linear import curve, ridge


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_ridge_divides_what_it_has_seen_by_that_and_its_strength(kind):
    """One feature per row: w = Σ y / (n + strength), dense or sparse."""
    vectors = kind(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    weights = ridge(vectors, np.array([[3.0], [5.0], [2.0]]), 2.0)
    assert weights[:, 0] == pytest.approx([8 / 4, 2 / 3])


def test_a_curve_is_found_again_from_its_own_chances():
    difficulty = np.linspace(-2, 2, 200)
    a, b = curve(difficulty, expit(0.5 - 1.5 * difficulty))
    assert (a, b) == pytest.approx((0.5, 1.5), abs=0.01)


def test_a_curve_that_would_rise_is_flat_at_the_mean():
    """b may not fall under 0: then σ(a) is the mean, here 0.7, whatever the difficulty."""
    difficulty = np.linspace(-2, 2, 200)
    scores = (difficulty > -0.8).astype(float)  # 140 of 200, and the harder the better
    a, b = curve(difficulty, scores)
    assert b == 0.0
    assert expit(a) == pytest.approx(0.7, abs=1e-3)
