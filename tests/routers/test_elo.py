"""Ratings from comparisons, against odds that can be written down."""

import numpy as np
import pytest

from rl_router.routers.elo import bradley_terry


def test_two_models_have_the_odds_of_their_wins():
    wins = np.array([[[0.0, 6.0], [2.0, 0.0]]])
    strengths = bradley_terry(wins, prior=2.0)  # a tie for each of them: 7 to 3
    assert strengths[0, 0] / strengths[0, 1] == pytest.approx(7 / 3)


def test_three_models_in_a_ring_of_equal_odds_keep_their_ratios():
    wins = np.array([[[0.0, 4.0, 8.0], [2.0, 0.0, 4.0], [2.0, 2.0, 0.0]]])  # as strengths 4 : 2 : 1 would win
    strengths = bradley_terry(wins, prior=1e-9)[0]
    assert strengths / strengths[2] == pytest.approx([4.0, 2.0, 1.0], rel=1e-6)
