import pytest

from rl_router.observe.findings import against, best_fixed, difference, dominated, headline, remarks


def row(router, cost_weight, reward, reward_se=0.01, quality=0.9, cost_usd=0.0002):
    return {
        "router": router,
        "cost_weight": cost_weight,
        "quality": quality,
        "quality_se": 0.01,
        "cost_usd": cost_usd,
        "reward": reward,
        "reward_se": reward_se,
        "calls": 1.0,
        "format_rate": 1.0,
        "n": 300,
    }


def test_a_difference_has_the_errors_of_both_sides():
    found = difference(row("policy", 0.5, 0.85, 0.03), row("cheapest", 0.5, 0.48, 0.04))
    assert found.reward == pytest.approx(0.37) and found.reward_se == pytest.approx(0.05)  # 3, 4, 5
    assert str(found) == "+0.370 ± 0.100" and found.verdict == "better"


@pytest.mark.parametrize(
    ("reward", "error", "verdict"),
    [(0.6, 0.06, "no difference"), (0.6, 0.04, "better"), (0.4, 0.04, "worse"), (0.6, None, "no difference")],
)
def test_within_two_standard_errors_there_is_no_difference(reward, error, verdict):
    # the other side has no error, so the error of the difference is this one: 0.1 against 0.12 and against 0.08
    assert difference(row("policy", 1, reward, error), row("cheapest", 1, 0.5, 0.0)).verdict == verdict


def test_the_best_fixed_router_is_found_for_each_weight_and_is_none_of_the_tables():
    rows = [row("cheapest", 0, 0.5), row("strongest", 0, 0.9), row("cheapest", 2, 0.4), row("strongest", 2, 0.1)]
    rows += [row("best_table", 0, 0.99), row("policy", 0, 0.95)]
    assert best_fixed(rows, 0)["router"] == "strongest" and best_fixed(rows, 2)["router"] == "cheapest"
    assert best_fixed(rows, 1) is None


def test_the_best_single_model_is_a_fixed_router():
    rows = [row("cheapest", 1, 0.4), row("best_single", 1, 0.6), row("policy", 1, 0.5)]
    assert best_fixed(rows, 1)["router"] == "best_single"
    assert headline(rows).endswith("best fixed router at λ = 1 (−0.100 ± 0.028 against best single model).")
    assert dominated([row("policy", 1, 0.5, quality=0.8), row("best_single", 1, 0.6)])[0][1]["router"] == "best_single"


def test_the_headline_says_where_the_policy_wins_where_not_and_by_how_much():
    rows = [
        row("policy", 0, 0.97, 0.01), row("strongest", 0, 0.96, 0.01),
        row("policy", 0.5, 0.85, 0.03), row("cheapest", 0.5, 0.48, 0.04), row("strongest", 0.5, 0.40),
        row("policy", 2, 0.30, 0.03), row("cheapest", 2, 0.48, 0.04),
    ]  # fmt: skip
    assert headline(rows) == (
        "The policy earns more reward than the best fixed router at λ = 0.5 (+0.370 ± 0.100 over cheapest);"
        " no difference from the best fixed router at λ = 0;"
        " the policy earns less than the best fixed router at λ = 2 (−0.180 ± 0.100 against cheapest)."
    )


def test_without_a_win_the_headline_claims_none():
    rows = [row("policy", 1, 0.50, 0.05), row("cheapest", 1, 0.45, 0.05)]
    assert headline(rows) == "No difference from the best fixed router at λ = 1."
    assert headline([]) == "This run has not been evaluated yet."
    assert "nothing to compare" in headline([row("policy", 1, 0.5)])


def test_the_policy_is_compared_only_where_both_stand():
    rows = [row("policy", 0, 0.9), row("policy", 1, 0.8), row("warm_start", 1, 0.5)]
    assert [(d.cost_weight, d.other) for d in against(rows, "warm_start")] == [(1, "warm_start")]


def test_a_point_is_dominated_only_by_a_fixed_router_that_is_no_worse_in_both():
    mine = row("policy", 1, 0.5, quality=0.8, cost_usd=0.0004)
    assert dominated([mine, row("cheapest", 1, 0.5, quality=0.7, cost_usd=0.0001)]) == []
    assert dominated([mine, row("cheapest", 1, 0.5, quality=0.8, cost_usd=0.0004)]) == []  # the same point
    better = row("strongest", 1, 0.5, quality=0.8, cost_usd=0.0003)
    assert dominated([mine, better]) == [(mine, better)]
    assert dominated([mine, row("best_table", 1, 0.9, quality=0.9, cost_usd=0.0001)]) == []


def test_remarks_give_the_share_of_the_best_table_and_name_dominated_points():
    rows = [row("policy", 0.5, 0.855, quality=0.8), row("best_table", 0.5, 0.9), row("cheapest", 0.5, 0.4, quality=0.9)]
    assert remarks(rows) == [
        "Share of the best table's reward: 95% at λ = 0.5.",
        "Dominated by a fixed router, which is at least as good for no more money: λ = 0.5 (by cheapest).",
    ]
    assert remarks([]) == []
