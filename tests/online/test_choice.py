import numpy as np
import pytest

from rl_router.online.choice import draw, epsilon_greedy, lin_ucb, thompson

MEANS, DEVIATIONS = np.array([0.5, 0.6, 0.4]), np.array([0.1, 0.0, 1.0])


def test_epsilon_greedy_gives_the_best_all_but_epsilon_and_a_share_of_that():
    np.testing.assert_allclose(epsilon_greedy(MEANS, DEVIATIONS, floor=0.3), [0.1, 0.8, 0.1])


def test_lin_ucb_prefers_what_may_be_better_by_its_deviation():
    # 0.5 + 0.3 · 0.1 = 0.53, 0.6, 0.4 + 0.3 · 1 = 0.7
    np.testing.assert_allclose(lin_ucb(MEANS, DEVIATIONS, exploration=0.3, floor=0.0), [0, 0, 1])
    np.testing.assert_allclose(lin_ucb(MEANS, DEVIATIONS, exploration=0.1, floor=0.0), [0, 1, 0])


def test_thompson_asks_two_equals_alike_and_never_what_is_surely_worse():
    equal = thompson(
        np.array([0.5, 0.5, 0.0]),
        np.array([0.1, 0.1, 0.0]),
        exploration=1.0,
        floor=0.0,
        rng=np.random.default_rng(0),
    )
    assert equal.sum() == pytest.approx(1.0) and equal[2] == 0.0
    assert abs(equal[0] - 0.5) < 4 * np.sqrt(0.25 / 256)


@pytest.mark.parametrize("chances", [[0.2, 0.5, 0.3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
def test_an_index_is_drawn_as_often_as_its_chance_says(chances):
    rng = np.random.default_rng(0)
    counts = np.bincount([draw(np.array(chances), rng) for _ in range(4000)], minlength=3) / 4000
    np.testing.assert_allclose(counts, chances, atol=0.03)
