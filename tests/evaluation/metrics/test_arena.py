import pytest

from rl_router.evaluation.metrics.arena import arena_score


def test_a_published_submission_has_its_published_score():
    # pull request 144 of RouteWorks/RouterArena: accuracy 18.18 %, $0.0518 per thousand queries, score 0.1953
    assert arena_score(0.1818, 0.0518) == pytest.approx(0.1953, abs=1e-4)


def test_half_way_in_cost_is_half_way_on_a_log_scale():
    # sqrt(200 · 0.0044) = 0.93808 USD: C = 1/2, so S = 1.1 · 0.8 · 0.5 / (0.08 + 0.5)
    assert arena_score(0.8, 0.9380832) == pytest.approx(0.44 / 0.58, abs=1e-6)


def test_the_ends_of_the_range_hold_for_what_lies_beyond():
    assert arena_score(0.5, 0.0) == arena_score(0.5, 0.0044) == pytest.approx(0.55 / 1.05)
    assert arena_score(0.5, 200.0) == arena_score(0.5, 1e6) == 0
    assert arena_score(0.0, 1.0) == 0
