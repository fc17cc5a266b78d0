"""Hybrid LLM must tell the queries that the small model answers as well from those that it does not."""

import numpy as np
import pytest

from rl_router.errors import RecipeError
from rl_router.routers.hybrid_llm import HybridLlm
from rl_router.routers.networks.schedule import Schedule

QUICK = Schedule(learning_rate=0.01, batch_size=32, max_epochs=40)
SMALL = {"features": "lsa:16", "width": 16, "samples": 5, "training": QUICK}


def easy_if_red(colour, shape):
    return {"cheap": colour == "red", "dear": True}


def far_apart(colour, shape):
    """The cheap model always loses, by 0.2 on red things and by 0.8 on blue ones."""
    return {"cheap": 0.7 if colour == "red" else 0.1, "dear": 0.9}


@pytest.mark.parametrize("labels", ["deterministic", "probabilistic", "transformed"])
def test_easy_queries_go_to_the_small_model_and_quality_stays(planted, routed, labels):
    table = planted(easy_if_red)
    router = HybridLlm(**SMALL, labels=labels).fit(table.select(split="train"))
    queries = table.queries("test")
    red = [query.task == "red" for query in queries]
    chosen = [decision.model for decision in router.route(queries, cost_weight=0.3)]
    assert np.mean([(model == "cheap") == is_red for model, is_red in zip(chosen, red, strict=True)]) > 0.97
    assert routed(router, table, 0.3) > 0.97


def test_only_transformed_labels_see_a_difference_where_the_small_model_always_loses(planted):
    table = planted(far_apart)
    queries = table.queries("test")
    red = np.array([query.task == "red" for query in queries])
    plain = HybridLlm(**SMALL, labels="deterministic").fit(table.select(split="train"))
    assert plain.good_enough(queries)[:, 0].max() < 0.1
    shifted = HybridLlm(**SMALL, labels="transformed").fit(table.select(split="train"))
    assert shifted.shifts_.tolist() == pytest.approx([0.2, 0.0])
    chances = shifted.good_enough(queries)[:, 0]
    assert chances[red].min() > 0.5 > chances[~red].max()
    # the line turns chances into gaps: -0.2 where it is good enough, -0.8 where not
    scores = shifted.scores(queries)
    assert (scores[red, 0] - 0.9).mean() == pytest.approx(-0.2, abs=0.1)
    assert (scores[~red, 0] - 0.9).mean() == pytest.approx(-0.8, abs=0.1)


def test_the_large_model_can_be_named_and_must_exist(planted):
    table = planted(easy_if_red)
    assert HybridLlm(**SMALL).fit(table).large_ == "dear"
    assert HybridLlm(**SMALL, large="cheap").fit(table).large_ == "cheap"
    with pytest.raises(RecipeError, match="large=huge is no model of the table; it has cheap, dear"):
        HybridLlm(**SMALL, large="huge").fit(table)
