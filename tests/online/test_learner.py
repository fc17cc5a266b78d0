import numpy as np
import pytest

from rl_router.online.drift import PageHinkley
from rl_router.online.learner import Learner, Memory
from rl_router.online.outcome import Outcome
from rl_router.online.prior import expected_quality
from rl_router.online.snapshot import from_bytes, to_bytes

X = np.array([1.0, 0.0], np.float32)


def outcome(quality=None, cost_usd=None, model="a", x=X, expected=0.5):
    return Outcome(
        model=model, features=x, expected_quality=expected, expected_cost_usd=2.0, quality=quality, cost_usd=cost_usd
    )


def learned(outcomes, **memory):
    learner = Learner(memory=Memory(**{"ridge": 2.0, "forgetting": 1.0, **memory}), d=2)
    for one in outcomes:
        learner.fold(one)
    return learner


def test_one_outcome_moves_the_mean_by_ridge_regression():
    # x = (1, 0, 1), |x|² = 2, surprise ½: θ·x = ½ · 2 / (2 + 2) = ¼, deviation² = 2 / (2 + 2) = ½
    mean, deviation = learned([outcome(quality=1.0)]).gain("a", X)
    assert mean == pytest.approx(0.25)
    assert deviation == pytest.approx(0.5**0.5)


def test_a_model_of_which_nothing_is_known_keeps_what_is_expected_of_it():
    # |x|² / κ = 2 / 2
    assert learned([outcome(quality=1.0)]).gain("b", X) == (0.0, pytest.approx(1.0))


def test_what_is_forgotten_makes_a_model_unsure_again_also_when_others_are_asked():
    outcomes = [outcome(quality=1.0), *[outcome(quality=0.5, model="b")] * 200]
    mean, deviation = learned(outcomes, forgetting=0.9).gain("a", X)
    assert mean == pytest.approx(0.0, abs=1e-6)
    assert deviation == pytest.approx(1.0, abs=1e-6)
    assert learned(outcomes, forgetting=1.0).gain("a", X)[0] == pytest.approx(0.25)


def test_the_cost_of_a_model_follows_its_last_bills():
    learner = learned([outcome(cost_usd=2.0)] * 300)
    assert learner.cost_ratio("a") == pytest.approx(1.0)
    for _ in range(100):
        learner.fold(outcome(cost_usd=4.0))
    assert learner.cost_ratio("a") == pytest.approx(2.0, abs=0.06)
    assert learner.cost_ratio("b") == 1.0


def test_a_model_that_breaks_is_noticed_and_what_was_learned_of_it_fades():
    rng = np.random.default_rng(0)
    good = [outcome(quality=float(rng.random() < 0.8)) for _ in range(1000)]
    learner = learned(good, ridge=10.0)
    assert learner.changes == []
    for _ in range(150):
        learner.fold(outcome(quality=float(rng.random() < 0.3)))
    assert len(learner.changes) == 1
    model, at = learner.changes[0]
    assert model == "a" and 1030 < at < 1150
    assert 0.5 + learner.gain("a", X)[0] < 0.55
    undisturbed = learned([*good, *[outcome(quality=0.3)] * 150], ridge=10.0, alarm=1e9)
    assert 0.5 + undisturbed.gain("a", X)[0] > 0.65


def test_page_and_hinkley_wait_for_alarm_over_size_less_slack():
    test = PageHinkley(slack=0.1, alarm=2.95)
    assert [test.see(-0.4) for _ in range(10)].index(True) == 9  # 10 · 0.3 = 3
    assert not any(test.see(0.05) for _ in range(1000))
    assert [test.see(0.6) for _ in range(6)].index(True) == 5  # 6 · 0.5 = 3


def test_a_snapshot_goes_on_where_the_learner_was():
    rng = np.random.default_rng(1)

    def some(n):
        return [
            outcome(
                model=str(rng.choice(["a", "b/c.d"])),
                quality=float(rng.random()),
                x=rng.standard_normal(2).astype(np.float32),
            )
            for _ in range(n)
        ]

    first, later = some(50), some(50)
    whole = learned([*first, *later], forgetting=0.99)
    memory = Memory(ridge=2.0, forgetting=0.99)
    half = from_bytes(to_bytes(learned(first, forgetting=0.99)), memory, {})
    for one in later:
        half.fold(one)
    assert half.clock == whole.clock == 100
    for model in ("a", "b/c.d"):
        np.testing.assert_array_equal(half.arms[model].gram, whole.arms[model].gram)
        assert half.gain(model, X) == whole.gain(model, X)


def test_a_new_model_is_expected_to_be_like_those_of_its_price():
    qualities, prices, none = np.array([0.4, 0.5, 0.8, 0.9]), np.array([0.1, 0.2, 3.0, 5.0]), np.zeros((4, 1))
    dear, unsure = expected_quality(qualities, prices, none, 4.0, np.zeros(1))
    cheap, _ = expected_quality(qualities, prices, none, 0.15, np.zeros(1))
    far, least_sure = expected_quality(qualities, prices, none, 1e6, np.zeros(1))
    assert cheap < 0.55 < 0.75 < dear
    assert far == pytest.approx(qualities.mean(), abs=0.02)
    assert unsure < least_sure


def test_a_description_counts_where_prices_are_alike():
    qualities, prices = np.array([0.4, 0.9]), np.array([1.0, 1.0])
    about = np.eye(2)
    assert expected_quality(qualities, prices, about, 1.0, np.array([0.0, 1.0]))[0] > 0.7
    assert expected_quality(qualities, prices, about, 1.0, np.array([1.0, 0.0]))[0] < 0.6
