import pytest

from rl_router.episode.advantages import Componentwise, Joint
from rl_router.errors import RecipeError


def test_a_joint_advantage_is_the_sum_that_the_trainer_compares():
    group = [{"correct": 1.0, "cost": -0.25}, {"format": -1.0}, {"correct": None}]
    assert Joint().of_group(group) == [0.75, -1.0, None]


def test_components_are_divided_by_their_own_spread_and_then_added():
    # correct: 1 1 0 0, mean 0.5, spread 0.5. cost: -0.8 0 0 0, mean -0.2, spread sqrt((0.36 + 3 x 0.04) / 4) = 0.3464
    group = [{"correct": 1.0, "cost": -0.8}, {"correct": 1.0, "cost": 0.0}] + 2 * [{"correct": 0.0, "cost": 0.0}]
    spread = 0.12**0.5
    found = Componentwise(least_spread=0.1).of_group(group)
    assert found == pytest.approx([1 - 0.6 / spread, 1 + 0.2 / spread, -1 + 0.2 / spread, -1 + 0.2 / spread])


def test_a_small_cost_counts_for_more_than_in_a_sum_and_is_not_blown_up_to_a_whole_spread():
    # cost: -0.04 and 0, mean -0.02, spread 0.02: below 0.2, so divided by 0.2
    group = [{"correct": 1.0, "cost": -0.04}, {"correct": 1.0, "cost": 0.0}]
    assert Componentwise(least_spread=0.2).of_group(group) == pytest.approx([-0.1, 0.1])
    half = [{"correct": 1.0, "cost": -0.02}, {"correct": 1.0, "cost": 0.0}]
    assert Componentwise(least_spread=0.2).of_group(half) == pytest.approx([-0.05, 0.05])


def test_a_group_that_is_the_same_everywhere_has_no_advantage():
    assert Componentwise().of_group([{"correct": 1.0, "cost": -0.1}] * 4) == [0.0] * 4


def test_a_missing_component_is_a_zero_and_an_unscored_episode_no_part_of_the_comparison():
    # correct: 1 and 0 (malformed), spread 0.5; format: 0 and -1, spread 0.5
    group = [{"correct": 1.0, "cost": 0.0}, {"correct": None}, {"format": -1.0}]
    assert Componentwise().of_group(group) == [pytest.approx(2.0), None, pytest.approx(-2.0)]
    assert Componentwise().of_group([{"correct": None}]) == [None]


def test_settled_advantages_have_a_mean_of_zero_so_that_a_trainer_which_takes_it_off_changes_nothing():
    group = [{"correct": q, "cost": -0.3 * q * c} for q, c in ((1, 0.2), (1, 0.9), (0, 0.1), (0.5, 0.4), (0, 1.0))]
    assert sum(Componentwise().of_group(group)) == pytest.approx(0.0)


def test_a_spread_of_zero_or_less_is_refused():
    with pytest.raises(RecipeError, match=r"advantage\.least_spread"):
        Componentwise(least_spread=0.0)
