import numpy as np
import pytest

from rl_router.errors import DataError
from rl_router.evaluation.metrics.cost import all_in_usd, usd_per_query, usd_per_thousand
from rl_router.evaluation.metrics.selection import traffic


def test_a_query_costs_its_calls_its_failures_and_the_router():
    calls, failed, own = np.array([0.002, 0.001]), np.array([0.0, 0.001]), 0.0005
    assert all_in_usd(calls, failed_usd=failed, own_usd=own) == pytest.approx([0.0025, 0.0025])


def test_a_bill_with_an_unknown_line_is_unknown_and_left_out_of_the_mean():
    total = all_in_usd(np.array([0.002, np.nan]), failed_usd=0.001)
    assert np.isnan(total[1])
    assert usd_per_query(total) == pytest.approx(0.003)
    assert usd_per_thousand(total) == pytest.approx(3.0)
    assert np.isnan(usd_per_query(np.array([np.nan])))


def test_a_negative_cost_is_refused():
    with pytest.raises(DataError, match="zero or more"):
        all_in_usd(np.array([-0.1]))


def test_traffic_is_the_share_of_the_queries_of_each_model():
    assert traffic(np.array([0, 2, 2, 2]), 3).tolist() == [0.25, 0, 0.75]
