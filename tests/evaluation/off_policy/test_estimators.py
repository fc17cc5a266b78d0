import numpy as np
import pytest

from rl_router.errors import DataError
from rl_router.evaluation.off_policy.estimators import (
    Estimate,
    direct,
    doubly_robust,
    effective_n,
    importance,
    ips,
    self_normalised,
)
from rl_router.evaluation.off_policy.outcome_model import cross_fitted

# four queries, two models; the policy under test wants model 0 for the first two queries and model 1 for the others
TARGET = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
CHOICES = np.array([0, 1, 1, 0])
PROPENSITY = np.array([0.5, 0.5, 0.25, 0.75])
OUTCOME = np.array([1.0, 1.0, 0.5, 0.0])
PREDICTED = np.array([[0.8, 0.1], [0.6, 0.1], [0.1, 0.4], [0.1, 0.2]])


def test_weights_are_the_ratio_of_both_policies_probabilities():
    assert importance(TARGET, CHOICES, PROPENSITY).tolist() == [2, 0, 4, 0]
    assert effective_n(np.array([2.0, 0.0, 4.0, 0.0])) == pytest.approx(36 / 20)
    assert effective_n(np.zeros(3)) == 0


def test_ips_is_the_mean_of_the_weighted_outcomes():
    estimate = ips(TARGET, CHOICES, PROPENSITY, OUTCOME)
    assert estimate.value == pytest.approx((2 * 1 + 4 * 0.5) / 4)
    assert estimate.se == pytest.approx(np.std([2, 0, 2, 0], ddof=1) / 2)
    assert estimate.high - estimate.value == pytest.approx(1.959964 * estimate.se)
    assert estimate.effective_n == pytest.approx(1.8)


def test_self_normalised_ips_divides_by_the_weights_instead_of_the_queries():
    estimate = self_normalised(TARGET, CHOICES, PROPENSITY, OUTCOME)
    assert estimate.value == pytest.approx((2 * 1 + 4 * 0.5) / 6)
    # influence w (r − 2/3) / 1.5: 4/9, 0, −4/9, 0
    assert estimate.se == pytest.approx(np.std([4 / 9, 0, -4 / 9, 0], ddof=1) / 2)


def test_the_direct_estimate_is_the_mean_prediction_of_what_the_policy_wants():
    assert direct(TARGET, PREDICTED).value == pytest.approx((0.8 + 0.6 + 0.4 + 0.2) / 4)


def test_doubly_robust_corrects_the_direct_estimate_where_the_log_knows_better():
    estimate = doubly_robust(TARGET, CHOICES, PROPENSITY, OUTCOME, PREDICTED)
    # .5 + (2 · (1 − .8) + 4 · (.5 − .4)) / 4
    assert estimate.value == pytest.approx(0.5 + 0.2)


def test_a_policy_that_the_log_never_followed_has_no_self_normalised_estimate():
    never = 1 - np.eye(2)[CHOICES]
    assert np.isnan(self_normalised(never, CHOICES, PROPENSITY, OUTCOME).value)
    assert ips(never, CHOICES, PROPENSITY, OUTCOME).effective_n == 0


def test_a_propensity_of_zero_is_refused():
    with pytest.raises(DataError, match="above 0"):
        ips(TARGET, CHOICES, np.array([0.5, 0.0, 1.0, 1.0]), OUTCOME)


class World:
    """Three models whose chance to be right depends on the query, a log that prefers some, a policy that knows."""

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        self.skill, self.taste = rng.normal(0, 0.8, (4, 3)), rng.normal(0, 0.7, (4, 3))
        features, quality, _, target = self.draw(400_000, np.random.default_rng(0))
        self.truth = float((quality * target).sum(axis=1).mean())
        self.logged_with = float(quality.mean())

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """[n, 4] features, [n, 3] chance to be right, [n, 3] the log's probabilities, [n, 3] the policy's."""
        features = rng.normal(size=(n, 4))
        quality = 1 / (1 + np.exp(-features @ self.skill - np.array([-0.5, 0.0, 0.5])))
        liking = np.exp(features @ self.taste)
        logging = 0.8 * liking / liking.sum(axis=1, keepdims=True) + 0.2 / 3
        target = np.eye(3)[(features @ self.skill).argmax(axis=1)]
        return features, quality, logging, target

    def estimates(self, n: int, seed: int) -> list[Estimate]:
        rng = np.random.default_rng(seed)
        features, quality, logging, target = self.draw(n, rng)
        choices = (rng.random((n, 1)) > logging.cumsum(axis=1)).sum(axis=1)
        rows = np.arange(n)
        outcome = (rng.random(n) < quality[rows, choices]).astype(float)
        propensity = logging[rows, choices]
        predicted = cross_fitted(features / 2, choices, outcome, 3, rng=rng)
        log = (target, choices, propensity, outcome)
        return [direct(target, predicted), ips(*log), self_normalised(*log), doubly_robust(*log, predicted)]


@pytest.fixture(scope="module")
def simulated() -> tuple[World, dict[str, np.ndarray]]:
    """200 logs of 1,000 queries: [200, 3] value, low and high by estimator."""
    world = World()
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(200):
        for estimate in world.estimates(1_000, seed):
            found.setdefault(estimate.estimator, []).append((estimate.value, estimate.low, estimate.high))
    return world, {name: np.array(rows) for name, rows in found.items()}


@pytest.mark.parametrize("estimator", ["ips", "self_normalised", "doubly_robust"])
def test_the_intervals_cover_the_known_truth_as_often_as_they_say(simulated, estimator: str):
    world, found = simulated
    _, low, high = found[estimator].T
    covered = np.mean((low <= world.truth) & (world.truth <= high))
    assert 0.90 <= covered <= 0.99  # 0.95 within three standard errors of 200 logs


@pytest.mark.parametrize("estimator", ["ips", "self_normalised", "doubly_robust"])
def test_the_estimates_are_right_on_average(simulated, estimator: str):
    world, found = simulated
    values = found[estimator][:, 0]
    assert values.mean() == pytest.approx(world.truth, abs=3 * values.std() / np.sqrt(len(values)) + 0.003)
    assert abs(world.truth - world.logged_with) > 0.1  # what the log itself earned is no answer


def test_doubly_robust_scatters_less_than_ips(simulated):
    _, found = simulated
    assert found["doubly_robust"][:, 0].std() < 0.8 * found["ips"][:, 0].std()


def test_doubly_robust_survives_an_outcome_model_that_is_wrong(simulated):
    world, _ = simulated
    rng = np.random.default_rng(5)
    features, quality, logging, target = world.draw(50_000, rng)
    choices = (rng.random((50_000, 1)) > logging.cumsum(axis=1)).sum(axis=1)
    rows = np.arange(50_000)
    wrong = np.full((50_000, 3), 0.2)
    estimate = doubly_robust(target, choices, logging[rows, choices], quality[rows, choices], wrong)
    assert estimate.low <= world.truth <= estimate.high
    assert direct(target, wrong).value == pytest.approx(0.2)
