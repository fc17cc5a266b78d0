"""What GMTRouter is shown and asked of its users."""

import numpy as np

from rl_router.routers.networks.few_answers import MOST_ASKED, _drawn


def test_of_thousands_of_turns_some_are_shown_and_some_others_asked_each_as_a_whole():
    turns = np.repeat(np.arange(1000), 3)  # three answers each
    shown, asked, place = _drawn(np.array([0]), [np.arange(3000)], turns, 16, np.random.default_rng(0))
    shown_turns, asked_turns = set(turns[shown]), set(turns[asked])
    assert len(shown) == 3 * len(shown_turns) <= 3 * 16
    assert len(asked) == 3 * len(asked_turns) == 3 * MOST_ASKED
    assert not shown_turns & asked_turns
    assert place.tolist() == [0] * 3000


def test_of_a_few_turns_every_one_is_shown_or_asked():
    turns = np.array([0, 0, 1, 1, 2])
    shown, asked, _ = _drawn(np.array([0]), [np.arange(5)], turns, 16, np.random.default_rng(3))
    assert sorted([*shown.tolist(), *asked.tolist()]) == [0, 1, 2, 3, 4]
