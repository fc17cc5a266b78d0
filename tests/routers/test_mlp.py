"""The perceptron must find what no sum over words can: which model is right depends on two words together."""

import subprocess
import sys

import numpy as np
import pytest

from rl_router.errors import RecipeError
from rl_router.routers.mf import Mf
from rl_router.routers.mlp import Mlp
from rl_router.routers.networks.schedule import Schedule

QUICK = Schedule(learning_rate=0.01, batch_size=32, max_epochs=40)


def either(colour, shape):
    """One model is right on red round and blue square things, the other on the rest."""
    same = (colour == "red") == (shape == "round")
    return {"cheap": same, "dear": not same}


def test_the_perceptron_learns_an_exclusive_or_and_a_bilinear_model_cannot(planted, routed, single):
    table = planted(either)
    train = table.select(split="train")
    mlp = Mlp(features="lsa:16", width=32, dropout=0.0, training=QUICK).fit(train)
    assert routed(mlp, table) > 0.95
    assert single(table) < 0.6
    assert routed(Mf(features="lsa:16", training=QUICK).fit(train), table) < 0.7


def test_a_score_is_the_share_of_right_answers_and_not_a_vote_for_the_best(planted):
    """On red things both are right, on blue ones only the dear model, so red teaches no preference."""
    table = planted(lambda colour, shape: {"cheap": colour == "red", "dear": True})
    mlp = Mlp(features="lsa:16", width=16, training=QUICK).fit(table.select(split="train"))
    queries = table.queries("test")
    scores = mlp.scores(queries)
    red = np.array([query.task == "red" for query in queries])
    assert scores[red].min() > 0.8
    assert scores[~red, 0].max() < 0.2 and scores[~red, 1].min() > 0.8
    chosen = [decision.model for decision in mlp.route(queries, cost_weight=0.2)]
    assert chosen == ["cheap" if is_red else "dear" for is_red in red]


def test_sparse_features_are_refused_with_the_ones_that_serve(planted):
    with pytest.raises(RecipeError, match=r"features=tfidf are sparse: use lsa:256 or an encoder"):
        Mlp(features="tfidf").fit(planted(either))


def test_neither_listing_nor_routing_needs_torch(planted, tmp_path):
    Mlp(features="lsa:16", training=QUICK).fit(planted(either, n=30)).save(tmp_path / "router")
    code = (
        "import sys; from rl_router.routers.registry import entries, router_class\n"
        "for entry in entries().values(): router_class(entry.name)\n"
        "from rl_router.routers.router import load_router; from rl_router.types import Query\n"
        "query = Query(query_id='a', text='red round', answers=(), task='red')\n"
        "print(load_router('router').route([query])[0].model, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.stdout.split()[-1:] == ["False"], done.stderr
