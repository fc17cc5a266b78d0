from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_router.errors import BudgetExceededError
from rl_router.pool.budget import Budget


def test_spending_from_an_episode_spends_from_its_run():
    run = Budget(1.0)
    episode = Budget(0.5, "episode", parent=run)
    episode.spend(0.25)
    assert (episode.left_usd, run.left_usd) == (0.25, 0.75)


def test_what_is_left_is_what_the_tightest_budget_has():
    run = Budget(1.0)
    run.spend(0.875)
    episode = Budget(0.5, "episode", parent=run)
    assert episode.left_usd == 0.125
    assert episode.admits(0.125)
    assert not episode.admits(0.126)


def test_the_error_names_the_budget_that_refuses_and_nothing_is_spent():
    run = Budget(0.25)
    episode = Budget(0.5, "episode", parent=run)
    with pytest.raises(BudgetExceededError, match="the run budget: 0.25 of 0.25 USD are left"):
        episode.spend(0.375)
    with pytest.raises(BudgetExceededError, match="the call budget"):
        Budget(0.125, "call", parent=episode).spend(0.25)
    assert (run.left_usd, episode.spent_usd) == (0.25, 0.0)


def test_a_budget_can_be_spent_to_the_last_cent_despite_rounding():
    budget = Budget(0.3)
    for _ in range(3):
        budget.spend(0.1)  # the floats add up to 0.30000000000000004
    assert budget.left_usd == 0.0


def test_a_settled_payment_may_pass_the_limit_and_then_nothing_is_left():
    run = Budget(1.0)
    episode = Budget(0.25, "episode", parent=run)
    episode.settle(0.5)
    assert (episode.left_usd, run.left_usd) == (0.0, 0.5)
    assert not episode.admits(0.001)


def test_a_negative_limit_is_refused():
    with pytest.raises(BudgetExceededError, match="zero or more"):
        Budget(-1.0, "episode")


@given(st.lists(st.integers(0, 64), max_size=30), st.integers(0, 256), st.integers(0, 256))
def test_no_sequence_of_spends_passes_any_limit(costs, run_limit, episode_limit):
    run = Budget(run_limit / 64)
    episode = Budget(episode_limit / 64, "episode", parent=run)
    paid = 0.0
    for cost in costs:
        if episode.admits(cost / 64):
            episode.spend(cost / 64)
            paid += cost / 64
    assert episode.spent_usd == run.spent_usd == paid <= min(run.limit_usd, episode.limit_usd)


def test_threads_cannot_overspend_together():
    run = Budget(1.0)

    def spend(_: int) -> int:
        try:
            Budget(1.0, "episode", parent=run).spend(0.25)
        except BudgetExceededError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(spend, range(40))) == 4
    assert run.spent_usd == 1.0
