from dataclasses import replace
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_router.episode.rewards import (
    Budgeted,
    CostNormaliser,
    Dial,
    GroupAnchored,
    Overlong,
    RouterR1,
    SuccessGated,
    soft_overlong,
)
from rl_router.errors import RecipeError
from rl_router.types import Episode, Mode, Query, StopReason

REWARDS = [Dial(), Dial(shape="exponential"), SuccessGated(), RouterR1(), Budgeted(), GroupAnchored()]
FRACTION = st.floats(0, 1)


def ended(quality=1.0, cost_usd=30e-6, cost_weight=0.5, format_ok=True):
    return {
        "quality": quality,
        "cost_usd": cost_usd,
        "cost_weight": cost_weight,
        "format_ok": format_ok,
        "cost_reference_usd": 100e-6,
    }


def test_the_dial_takes_the_weighted_cost_off_a_right_answer():
    # 1 - 0.5 x 30 / 100 = 0.85
    assert Dial().terms(**ended()) == pytest.approx({"correct": 1.0, "cost": -0.15})


def test_the_dial_scales_with_a_partly_right_answer():
    # 0.4 x (1 - 2 x 30 / 100) = 0.4 x 0.4
    assert Dial().terms(**ended(quality=0.4, cost_weight=2.0)) == pytest.approx({"correct": 0.4, "cost": -0.24})


def test_the_dial_never_falls_below_its_floor():
    # 1 - 2 x 90 / 100 < 0.05
    assert Dial(floor=0.05).terms(**ended(cost_usd=90e-6, cost_weight=2.0)) == pytest.approx(
        {"correct": 1, "cost": -0.95}
    )


def test_an_exponential_dial_starts_with_the_slope_of_the_linear_one_and_is_flat_nowhere():
    dial = Dial(shape="exponential")
    # e^(-0.5 x 30 / 100) = 0.8607, and at a cost that the linear one has no more words for: e^-4 and e^-8
    assert dial.terms(**ended()) == pytest.approx({"correct": 1.0, "cost": exp(-0.15) - 1})
    dear = [sum(dial.terms(**ended(cost_usd=usd, cost_weight=4.0)).values()) for usd in (100e-6, 200e-6)]
    assert dear == pytest.approx([exp(-4), exp(-8)])
    linear = [sum(Dial().terms(**ended(cost_usd=usd, cost_weight=4.0)).values()) for usd in (100e-6, 200e-6)]
    assert linear == pytest.approx([0.05, 0.05])


def test_a_budget_is_free_up_to_its_end_and_takes_a_right_answer_to_the_floor_at_twice_its_size():
    reward = Budgeted(slope=1.0, floor=0.05)
    worth = {usd: sum(reward.terms(**ended(cost_usd=usd, cost_weight=20e-6)).values()) for usd in (5e-6, 20e-6)}
    assert worth == pytest.approx({5e-6: 1.0, 20e-6: 1.0})
    # a quarter over the budget costs a quarter; 100 % over leaves nothing but the floor
    assert reward.terms(**ended(cost_usd=25e-6, cost_weight=20e-6)) == pytest.approx({"correct": 1.0, "cost": -0.25})
    assert reward.terms(**ended(cost_usd=40e-6, cost_weight=20e-6)) == pytest.approx({"correct": 1.0, "cost": -0.95})
    # a steeper slope: 1 - 2 x 0.25, for half a point
    steep = Budgeted(slope=2.0).terms(**ended(quality=0.5, cost_usd=25e-6, cost_weight=20e-6))
    assert steep == pytest.approx({"correct": 0.5, "cost": -0.25})


def episode_of(quality, cost_usd, format_ok=True, cost_weight=2.0):
    query = Query(query_id="q", text="q", answers=("a",), task="t")
    alone = GroupAnchored().terms(
        **ended(quality=quality, cost_usd=cost_usd, cost_weight=cost_weight, format_ok=format_ok)
    )
    return Episode(
        query=query,
        cost_weight=cost_weight,
        mode=Mode.ORCHESTRATE,
        segments=(),
        calls=(),
        stop=StopReason.ANSWERED,
        answer=None,
        quality=quality,
        format_ok=format_ok,
        cost_usd=cost_usd,
        reward=alone,
    )


def test_an_anchored_group_charges_only_what_is_beyond_its_cheapest_right_answer():
    wrong, cheap, dear = episode_of(0.0, 3e-6), episode_of(1.0, 20e-6), episode_of(1.0, 50e-6)
    broken = replace(episode_of(None, 0.0, format_ok=False), quality=0.0)
    terms = GroupAnchored().group_terms([wrong, cheap, dear, broken], 100e-6)
    assert terms[0] == {"correct": 0.0, "cost": 0.0}
    assert terms[1] == {"correct": 1.0, "cost": 0.0}
    # e^(-2 x (50 - 20) / 100)
    assert terms[2] == pytest.approx({"correct": 1.0, "cost": exp(-0.6) - 1})
    assert terms[3] == {"format": -1.0}


def test_an_anchored_reward_keeps_the_terms_it_knows_nothing_of():
    late = episode_of(1.0, 20e-6)
    late = replace(late, reward={**late.reward, "overlong": -0.5})
    assert GroupAnchored().group_terms([late], 100e-6) == [{"correct": 1.0, "cost": 0.0, "overlong": -0.5}]


def test_a_group_without_a_right_answer_has_no_anchor_and_no_reward():
    assert GroupAnchored().group_terms([episode_of(0.0, 9e-6), episode_of(None, 1e-6)], 100e-6) == [
        {"correct": 0.0, "cost": 0.0},
        {"correct": None},
    ]


def test_a_wrong_answer_pays_nothing_for_its_cost():
    for reward in REWARDS:
        assert reward.terms(**ended(quality=0.0, cost_usd=1.0)) == {"correct": 0.0, "cost": 0.0}


def test_success_gating_takes_the_capped_cost_off_a_bonus():
    reward = SuccessGated(lam=1.0, k=2.0, cap=0.5)
    assert reward.terms(**ended()) == pytest.approx({"correct": 2.0, "cost": -0.3})
    assert reward.terms(**ended(cost_usd=80e-6)) == pytest.approx({"correct": 2.0, "cost": -0.5})
    assert reward.terms(**ended(quality=0.5)) == pytest.approx({"correct": 1.0, "cost": -0.15})


def test_success_gating_takes_the_prompt_s_cost_weight_unless_one_is_fixed():
    assert SuccessGated().terms(**ended(cost_weight=2.0)) == pytest.approx({"correct": 1.0, "cost": -0.6})


def test_success_gating_gives_a_malformed_episode_what_a_wrong_one_gets():
    assert SuccessGated().terms(**ended(format_ok=False)) == {"correct": 0.0, "cost": 0.0}


def test_a_malformed_episode_gets_the_format_term_alone():
    assert Dial().terms(**ended(format_ok=False)) == {"format": -1.0}
    assert RouterR1().terms(**ended(format_ok=False)) == {"format": -1.0}


@pytest.mark.parametrize("reward", REWARDS)
def test_an_episode_that_could_not_be_scored_is_not_a_zero(reward):
    assert reward.terms(**ended(quality=None)) == {"correct": None}


def test_the_first_cost_is_neither_cheap_nor_dear():
    assert CostNormaliser()(3.0) == 0.5
    same = CostNormaliser()
    assert [same(4.0), same(4.0), same(4.0)] == [0.5, 0.5, 0.5]


def test_the_normaliser_places_a_cost_between_the_percentiles_of_its_square_roots():
    # Roots 0 1 3 4 and 2: p5 = 0.2 and p95 = 3.8, the ranks 0.2 and 3.8 of 0 1 2 3 4; 1 - (2 - 0.2) / 3.6 = 0.5.
    normaliser = CostNormaliser()
    for cost in (0.0, 1.0, 9.0, 16.0):
        normaliser(cost)
    assert normaliser(4.0) == pytest.approx(0.5)
    # Roots 0 1 2 3 4 and 1: p5 = 0.25, p95 = 3.75, the ranks 0.25 and 4.75 of 0 1 1 2 3 4; 1 - 0.75 / 3.5.
    assert normaliser(1.0) == pytest.approx(1 - 0.75 / 3.5)


def test_the_normaliser_clips_beyond_its_percentiles():
    normaliser = CostNormaliser()
    assert normaliser(1.0) == 0.5
    assert normaliser(4.0) == 0.0
    assert normaliser(0.0) == 1.0


def test_the_normaliser_forgets_what_left_its_window():
    normaliser = CostNormaliser(window=2)
    for cost in (10_000.0, 4.0, 1.0):
        last = normaliser(cost)
    assert last == 1.0
    assert list(normaliser.roots) == [2.0, 1.0]
    # Roots 1 and 1.5: p5 = 1.025, p95 = 1.475, and 1.5 lies beyond.
    assert normaliser(2.25) == 0.0


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_cheapness_is_always_a_share(costs):
    normaliser = CostNormaliser(window=10)
    assert all(0.0 <= normaliser(cost) <= 1.0 for cost in costs)


def test_router_r1_mixes_a_right_answer_with_its_cheapness():
    reward = RouterR1(alpha=0.6)
    # In references: 0.3 is alone, so k = 0.5; then 1.2 is the dearer of two, k = 0; then 0 is the cheapest, k = 1.
    assert reward.terms(**ended(cost_usd=30e-6)) == pytest.approx({"correct": 0.4, "cost": 0.3})
    assert reward.terms(**ended(cost_usd=120e-6)) == pytest.approx({"correct": 0.4, "cost": 0.0})
    assert reward.terms(**ended(cost_usd=0.0)) == pytest.approx({"correct": 0.4, "cost": 0.6})


def test_router_r1_counts_the_costs_of_malformed_wrong_and_unscored_episodes():
    reward = RouterR1(alpha=0.6)
    reward.terms(**ended(format_ok=False, cost_usd=400e-6))
    reward.terms(**ended(quality=0.0, cost_usd=100e-6))
    reward.terms(**ended(quality=None, cost_usd=0.0))
    assert list(reward.normaliser.roots) == pytest.approx([2.0, 1.0, 0.0])


def test_router_r1_ignores_the_cost_weight_of_the_prompt():
    low, high = (RouterR1().terms(**ended(cost_weight=w)) for w in (0.0, 2.0))
    assert low == high


def test_two_rewards_keep_two_windows_unless_they_share_one():
    one, other = RouterR1(), RouterR1()
    assert one == other and one.normaliser is not other.normaliser
    shared = CostNormaliser()
    one, other = one.sharing(shared), other.sharing(shared)
    one.terms(**ended(cost_usd=30e-6))
    assert other.terms(**ended(cost_usd=120e-6))["cost"] == 0.0
    assert one == RouterR1() and len(shared.roots) == 2


def test_overlong_falls_from_the_start_of_its_buffer_to_minus_one():
    assert [soft_overlong(n, 100, 20) for n in (0, 80, 81, 90, 100, 500)] == [0.0, 0.0, -0.05, -0.5, -1.0, -1.0]
    assert Overlong(max_tokens=100, buffer_tokens=20).terms(90) == {"overlong": -0.5}


@given(quality=FRACTION, cost=st.floats(0, 10), weight=st.floats(0, 10), format_ok=st.booleans())
def test_a_cost_never_pays_and_a_right_answer_is_never_worth_less_than_a_wrong_one(quality, cost, weight, format_ok):
    for reward in (Dial(), Dial(shape="exponential"), SuccessGated(), GroupAnchored()):
        settled = ended(quality=quality, cost_usd=cost, cost_weight=weight, format_ok=format_ok)
        terms = reward.terms(**settled)
        assert terms.get("cost", 0.0) <= 0.0
        if format_ok:
            assert 0.0 <= sum(terms.values()) <= quality + 1e-12


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Dial(floor=1.5), "reward.floor"),
        (lambda: Budgeted(budgets_usd=(0.0,)), "reward.budgets_usd"),
        (lambda: Budgeted(slope=0.0), "reward.slope"),
        (lambda: SuccessGated(lam=-1.0), "reward.lam"),
        (lambda: SuccessGated(k=1.0, cap=2.0), "reward.cap"),
        (lambda: RouterR1(alpha=1.1), "reward.alpha"),
        (lambda: RouterR1(window=0), "reward.window"),
        (lambda: Overlong(max_tokens=10, buffer_tokens=0), "overlong.buffer_tokens"),
    ],
)
def test_a_setting_outside_its_range_is_refused_by_name(make, name):
    with pytest.raises(RecipeError, match=name):
        make()
