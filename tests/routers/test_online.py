"""The router that learns while it serves, on the table of four models whose skills are known."""

import numpy as np
import pytest

from rl_router.errors import DataError, RecipeError
from rl_router.online.learner import Memory
from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.online import NewModel, Online
from rl_router.routers.router import load_router
from rl_router.types import Query

WORDS = {  # some of those of the table
    "math": ["sum", "product", "divide", "integer", "equation", "algebra"],
    "code": ["python", "function", "loop", "compile", "pointer", "array"],
    "chat": ["poem", "letter", "story", "friend", "holiday", "recipe"],
}
TASKS = tuple(WORDS)


def asked(number, rng):
    task = TASKS[number % 3]
    return Query(query_id=f"r{number}", text=" ".join(rng.choice(WORDS[task], 8)), answers=(), task=task)


@pytest.fixture
def router(train):
    return Online(features="lsa:8", memory=Memory(ridge=2.0), exploration=0.3, floor=0.05).fit(train)


def serve(router, quality, n, rng, *, first=0, cost_weight=0.0):
    """The models chosen for n requests, each graded at once by `quality(task, model)`."""
    models = []
    for number in range(first, first + n):
        query = asked(number, rng)
        decision = router.route([query], cost_weight=cost_weight)[0]
        router.outcome(query.query_id, quality=quality(query.task, decision.model))
        models.append(decision.model)
    return models


def test_it_learns_from_feedback_which_model_is_good_at_what_by_now(router, tmp_path):
    """On the table `coder` knows code and `mather` maths; in traffic it is the other way round."""
    router.attach(tmp_path / "outcomes.sqlite")
    rng = np.random.default_rng(0)
    swapped = {("code", "mather"): 1.0, ("math", "coder"): 1.0, ("chat", "cheap"): 1.0}
    models = serve(router, lambda task, model: swapped.get((task, model), 0.0), 600, rng)
    late = list(zip([TASKS[i % 3] for i in range(450, 600)], models[450:], strict=True))
    assert np.mean([swapped.get(pair, 0.0) for pair in late]) > 0.85


def test_what_one_worker_learned_another_decides_by(router, tmp_path):
    router.save(tmp_path / "router")
    store, rng = tmp_path / "outcomes.sqlite", np.random.default_rng(0)
    serve(router.attach(store), lambda task, model: float(model == "cheap"), 300, rng)
    other = load_router(tmp_path / "router")
    query = asked(0, rng)
    assert other.scores([query])[0, 0] < 0.9  # not attached, it knows the table alone
    other.attach(store)
    router.live.catch_up()
    np.testing.assert_allclose(other.scores([query]), router.scores([query]), atol=0.005)  # a belief may be a bit aged
    assert other.scores([query]).argmax() == 0


def test_propensities_are_how_often_each_model_is_chosen(train):
    router = Online(features="lsa:8", algorithm="thompson", exploration=1.0, floor=0.1).fit(train)
    text = " ".join(WORDS["code"][:6])
    decisions = router.route([Query(query_id=f"q{i}", text=text, answers=(), task="code") for i in range(3000)])
    said = {decision.model: [] for decision in decisions}
    for decision in decisions:
        said[decision.model].append(decision.propensity)
    for model, propensities in said.items():
        share = len(propensities) / len(decisions)
        assert np.mean(propensities) == pytest.approx(share, abs=0.03), model
    inverse = np.mean([1 / decision.propensity for decision in decisions])
    assert inverse == pytest.approx(len(router.models_), rel=0.15)  # Σ over models of p · 1 / p


def test_a_model_joins_untrained_and_is_found_to_be_good(router, tmp_path):
    grown = router.with_models(NewModel(name="novel", quality=0.6, cost_usd=1e-5))
    assert grown.models_ == ("cheap", "coder", "mather", "novel", "strong")
    grown.save(tmp_path / "grown")
    loaded = load_router(tmp_path / "grown").attach(tmp_path / "outcomes.sqlite")
    rng = np.random.default_rng(0)
    query = asked(0, rng)
    assert loaded.scores([query])[0, 3] == pytest.approx(0.6)
    assert loaded.costs_usd([query])[0, 3] == pytest.approx(1e-5)
    models = serve(loaded, lambda task, model: 1.0 if model == "novel" else 0.5, 300, rng)
    assert np.mean([model == "novel" for model in models[200:]]) > 0.9
    with pytest.raises(RecipeError, match="has a model 'coder' already"):
        router.with_models(NewModel(name="coder", quality=0.5, cost_usd=0.0))
    assert router.models_ == ("cheap", "coder", "mather", "strong")


def test_a_price_that_doubles_is_in_the_predicted_cost_after_its_bills(router, tmp_path):
    router.attach(tmp_path / "outcomes.sqlite")
    rng, before = np.random.default_rng(0), router.costs_usd([asked(0, np.random.default_rng(9))])
    for number in range(200):
        query = asked(number, rng)
        costs = dict(zip(router.models_, router.cost_model_.costs_usd([query])[0], strict=True))
        model = router.route([query])[0].model
        router.outcome(query.query_id, cost_usd=2 * costs[model] if model == "strong" else costs[model])
    router.live.catch_up()
    after = router.costs_usd([asked(0, np.random.default_rng(9))])
    np.testing.assert_allclose((after / before)[0], [1, 1, 1, 2], rtol=1e-6)


def test_an_unattached_router_takes_no_outcome(router):
    with pytest.raises(DataError, match="attach"):
        router.outcome("r0", quality=1.0)


def test_a_base_of_any_kind_is_fitted_with_it(train, queries):
    router = Online(base=BestPerTask(), features="lsa:8").fit(train)
    np.testing.assert_allclose(router.scores(queries), BestPerTask().fit(train).scores(queries))
