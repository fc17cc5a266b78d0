"""Matrix factorisation must find which words call for which model, from preferences full of ties."""

import numpy as np
import pytest

from rl_router.routers.mf import Mf, mean_leads
from rl_router.routers.networks.schedule import Schedule

QUICK = Schedule(learning_rate=0.02, batch_size=32, max_epochs=40)


def by_colour(colour, shape):
    """On round things both are right, so three of four comparisons that name a first model would be ties."""
    return {"cheap": shape == "round" or colour == "red", "dear": shape == "round" or colour == "blue"}


def test_the_colour_is_found_among_the_ties(planted, routed, single):
    table = planted(by_colour)
    router = Mf(features="lsa:16", rank=8, training=QUICK).fit(table.select(split="train"))
    assert routed(router, table) > 0.98
    assert single(table) < 0.85


def test_scores_are_the_tables_mean_and_the_expected_lead():
    """Strengths 0 and ln 3: the second beats the first in 3 of 4, a lead of 1/2; its mean over both is 1/4."""
    np.testing.assert_allclose(mean_leads(np.array([[0.0, np.log(3.0)]])), [[-0.25, 0.25]])


def test_leads_are_in_units_of_quality_and_can_be_weighed_against_a_price(planted):
    """The dear model leads by 1 on blue things; where a call to it costs 2 units of quality that is not worth it."""
    table = planted(lambda colour, shape: {"cheap": colour == "red", "dear": colour == "blue"})
    router = Mf(features="lsa:16", rank=8, training=QUICK).fit(table.select(split="train"))
    blue = [query for query in table.queries("test") if query.task == "blue"]
    scores = router.scores(blue)
    assert (scores[:, 1] - scores[:, 0]).mean() == pytest.approx(1.0, abs=0.15)
    assert {decision.model for decision in router.route(blue, cost_weight=2.0)} == {"cheap"}
    assert {decision.model for decision in router.route(blue, cost_weight=0.2)} == {"dear"}
