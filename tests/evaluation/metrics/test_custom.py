import numpy as np
import pytest

from rl_router.data.custom import METRICS
from rl_router.errors import DataError
from rl_router.evaluation.metrics.custom import custom_values


@pytest.fixture
def metric(tmp_path, monkeypatch):
    """Adds a metric for one test, in a folder without custom tasks."""
    monkeypatch.chdir(tmp_path)
    yield lambda function: METRICS.add("mine", function)
    METRICS.remove("mine")


QUALITY, COST_USD = np.array([1.0, 0.0, 1.0]), np.array([0.1, 0.1, 0.3])


def test_a_metric_gets_what_was_chosen_for_each_query(metric):
    metric(lambda quality, cost_usd: quality.sum() / cost_usd.sum())
    assert custom_values(QUALITY, COST_USD) == {"mine": pytest.approx(4.0)}


def test_no_number_is_none_and_no_value_at_all_is_an_error(metric):
    metric(lambda quality, cost_usd: float("nan"))
    assert custom_values(QUALITY, COST_USD) == {"mine": None}
    METRICS.remove("mine")
    metric(lambda quality, cost_usd: "many")
    with pytest.raises(DataError, match="'mine' gave 'many'; it should give one number"):
        custom_values(QUALITY, COST_USD)
