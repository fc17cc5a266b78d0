"""What every router promises, run against every router that is registered, plugins of this checkout apart."""

import json
import os
import pickle
import random
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

from rl_router.data.table import RoutingTable
from rl_router.errors import CheckpointError, DataError, NotFittedError, RecipeError, UnknownModelError
from rl_router.routers.registry import BUILT_IN, entry, router_class
from rl_router.routers.router import load_router

WEIGHTS = (0.0, 0.1, 0.5, 1.0, 4.0)
NAMES = [found.name for found in BUILT_IN]


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    missing = [need for need in entry(request.param).needs if need in ("torch", "transformers") and not find_spec(need)]
    if missing:
        pytest.skip(f"{request.param} needs {missing[0]}")
    return request.param


@pytest.fixture(scope="module")
def make(name, small):
    return lambda **changes: router_class(name)(**{**small.get(name, {}), **changes})


@pytest.fixture(scope="module")
def asked(name, train, queries):
    """What the router can be asked: the oracle only knows what it has seen."""
    return train.queries()[:20] if "answers" in entry(name).needs else queries


@pytest.fixture(scope="module")
def fitted(make, train):
    return make().fit(train)


def chosen(router, queries, cost_weight=0.0, **options):
    return [decision.model for decision in router.route(queries, cost_weight=cost_weight, **options)]


def same(router, other, queries):
    np.testing.assert_allclose(router.scores(queries), other.scores(queries), atol=2e-6)
    np.testing.assert_allclose(router.costs_usd(queries), other.costs_usd(queries), rtol=1e-9)
    for weight in WEIGHTS:
        assert chosen(router, queries, weight) == chosen(other, queries, weight)


def test_an_unfitted_router_says_so(make, queries, tmp_path):
    for use in (lambda r: r.scores(queries), lambda r: r.costs_usd(queries), lambda r: r.route(queries)):
        with pytest.raises(NotFittedError, match="not fitted"):
            use(make())
    with pytest.raises(NotFittedError, match="not fitted"):
        make().save(tmp_path / "router")
    assert not (tmp_path / "router").exists()


def test_fit_returns_the_router_and_fitting_twice_is_fitting_once(make, train, fitted, asked):
    router = make()
    assert router.fit(train) is router
    same(router.fit(train), fitted, asked)


def test_fitting_again_forgets(make, train, asked, fitted):
    part = train.select(models=["cheap", "strong"])
    router = make().fit(train).fit(part)
    assert router.models_ == ("cheap", "strong")
    same(router, make().fit(part), asked)
    same(router.fit(train), fitted, asked)


def test_a_fit_that_fails_leaves_nothing_behind(make, train):
    router = make().fit(train)
    with pytest.raises(DataError, match="no score in any row"):
        router.fit(RoutingTable(train.frame.with_columns(score=pl.lit(None, pl.Float64))))
    assert not router.is_fitted


def test_scores_are_qualities_and_costs_are_dollars(fitted, asked):
    scores, costs = fitted.scores(asked), fitted.costs_usd(asked)
    assert scores.shape == costs.shape == (len(asked), len(fitted.models_))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert ((costs > 0) & (costs < 0.01)).all()
    assert fitted.models_ == ("cheap", "coder", "mather", "strong")


def test_saved_and_loaded_it_scores_and_decides_the_same(fitted, asked, tmp_path):
    fitted.save(tmp_path / "router")
    same(load_router(tmp_path / "router"), fitted, asked)


def test_a_batch_is_its_queries_one_by_one(fitted, asked):
    alone = np.concatenate([fitted.scores([query]) for query in asked])
    np.testing.assert_allclose(fitted.scores(asked), alone, atol=2e-6)
    for weight in WEIGHTS:
        assert chosen(fitted, asked, weight) == [chosen(fitted, [query], weight)[0] for query in asked]


def test_a_seed_decides_everything(make, train, asked):
    if "seed" not in make().parameters():
        pytest.skip("nothing in this router is drawn")
    same(make(seed=3).fit(train), make(seed=3).fit(train), asked)


def test_unknown_models_and_empty_queries_are_refused(fitted, asked):
    with pytest.raises(UnknownModelError, match=r"'nobody'.*cheap, coder, mather, strong"):
        fitted.route(asked, models=["cheap", "nobody"])
    with pytest.raises(UnknownModelError, match="at least one model"):
        fitted.route(asked, models=[])
    for ask in (fitted.scores, fitted.costs_usd, fitted.route):
        with pytest.raises(DataError, match="at least one query"):
            ask([])
        with pytest.raises(DataError, match="empty text"):
            ask([replace(asked[0], text=" \n")])


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_a_cost_weight_that_is_no_weight_is_refused(fitted, asked, weight):
    with pytest.raises(RecipeError, match="zero or more"):
        fitted.route(asked, cost_weight=weight)


def test_only_the_models_that_are_named_are_chosen(fitted, asked):
    assert set(chosen(fitted, asked, models=["mather", "cheap"])) <= {"mather", "cheap"}
    assert chosen(fitted, asked, 0.2, models=["mather", "cheap"]) == chosen(
        fitted, asked, 0.2, models=["cheap", "mather"]
    )


def test_a_higher_cost_weight_never_raises_the_predicted_cost(fitted, asked):
    costs = []
    for weight in np.linspace(0.0, 3.0, 16):
        decisions = fitted.route(asked, cost_weight=float(weight))
        costs.append([decision.predicted_cost_usd[decision.model] for decision in decisions])
    assert (np.diff(np.array(costs), axis=0) <= 0).all()


def test_the_order_of_rows_and_models_changes_nothing(make, train, fitted, asked):
    shuffled = train.frame.sample(fraction=1.0, shuffle=True, seed=7)
    assert list(shuffled["model"].unique(maintain_order=True)) != list(train.models)
    same(make().fit(RoutingTable(shuffled)), fitted, asked)
    same(make().fit(RoutingTable(train.frame.reverse())), fitted, asked)


def test_an_ungraded_query_is_not_a_wrong_answer(make, train, fitted, asked):
    first = train.frame.filter(pl.col("query_id") == train.query_ids[0])
    ungraded = first.with_columns(
        query_id=pl.lit("zz"), query=pl.lit("sum poem python"), score=pl.lit(None, pl.Float64)
    )
    same(make().fit(RoutingTable(pl.concat([train.frame, ungraded]))), fitted, asked)


def test_without_costs_quality_routes_and_a_cost_weight_is_refused(make, train, asked):
    free = train.frame.with_columns(cost_usd=pl.lit(None, pl.Float64))
    router = make()
    if not type(router).has_dial:
        pytest.skip("this router has no use for a cost weight")
    router.fit(RoutingTable(free))
    assert set(chosen(router, asked)) <= set(router.models_)
    with pytest.raises(Exception, match="cost_weight = 0.5 needs the price of every model"):
        router.route(asked, cost_weight=0.5)


def test_another_process_without_the_table_decides_the_same(fitted, asked, tmp_path):
    fitted.save(tmp_path / "router")
    ids = [{"query_id": q.query_id, "text": q.text, "answers": [], "task": q.task} for q in asked]
    (tmp_path / "queries.json").write_text(json.dumps(ids))
    code = (
        "import json; from rl_router.routers.router import load_router; from rl_router.types import Query\n"
        "queries = [Query(**values) for values in json.load(open('queries.json'))]\n"
        "router = load_router('router')\n"
        f"print(json.dumps([[d.model for d in router.route(queries, cost_weight=w)] for w in {WEIGHTS}]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": str(random.randrange(1, 1000))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [chosen(fitted, asked, weight) for weight in WEIGHTS]


def change_json(folder, change):
    path = folder / "router.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def change_arrays(folder, change):
    arrays = {key: value.copy() for key, value in load_file(folder / "arrays.safetensors").items()}
    change(arrays)
    save_file(arrays, folder / "arrays.safetensors")


class Bomb:
    def __reduce__(self):
        return (os.mkdir, ("exploded",))


def shorten(arrays):
    key = "mean_scores_"
    arrays[key] = arrays[key][:-1]


def spoil(arrays):
    arrays["mean_scores_"][0] = np.nan


TAMPERING = {
    "cut in half": lambda f: (f / "router.json").write_text((f / "router.json").read_text()[:50]),
    "arrays cut in half": lambda f: (f / "arrays.safetensors").write_bytes(
        (f / "arrays.safetensors").read_bytes()[:-20]
    ),
    "a pickle": lambda f: (f / "arrays.safetensors").write_bytes(pickle.dumps(Bomb())),
    "a wrong shape": lambda f: change_arrays(f, shorten),
    "a missing array": lambda f: change_arrays(f, lambda arrays: arrays.pop("mean_scores_")),
    "an unknown array": lambda f: change_arrays(f, lambda arrays: arrays.update(extra=np.zeros(3))),
    "not a number": lambda f: change_arrays(f, spoil),
    "an unknown kind": lambda f: change_json(f, lambda c: c["parameters"].update(kind="os.system")),
    "an unknown parameter": lambda f: change_json(f, lambda c: c["parameters"].update(path="../../other")),
    "an unknown value": lambda f: change_json(f, lambda c: c["values"].update(code="import os")),
    "models of another number": lambda f: change_json(f, lambda c: c["values"]["models_"].append("zz")),
    "no rule": lambda f: change_json(f, lambda c: c["values"].pop("rule_")),
    "an unknown rule": lambda f: change_json(f, lambda c: c["values"]["rule_"]["parameters"].update(kind="eval")),
    "another format": lambda f: change_json(f, lambda c: c.update(format=99)),
    "no file": lambda f: (f / "arrays.safetensors").unlink(),
    "no JSON": lambda f: (f / "router.json").unlink(),
    "a list": lambda f: (f / "router.json").write_text("[]"),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_a_folder_that_was_tampered_with_is_refused(fitted, how, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fitted.save(tmp_path / "router")
    TAMPERING[how](tmp_path / "router")
    with pytest.raises(CheckpointError, match="is refused") as caught:
        load_router(tmp_path / "router")
    assert "\n" not in str(caught.value) and "https" not in str(caught.value)
    assert not (tmp_path / "exploded").exists()


def test_every_array_is_checked_for_its_shape_and_its_numbers(fitted, tmp_path):
    fitted.save(tmp_path / "router")
    whole = load_file(tmp_path / "router" / "arrays.safetensors")
    for key, array in whole.items():
        save_file({**whole, key: array[None]}, tmp_path / "router" / "arrays.safetensors")
        with pytest.raises(CheckpointError, match="is refused"):
            load_router(tmp_path / "router")


@pytest.mark.parametrize("file", ["router.json", "arrays.safetensors"])
def test_a_file_that_leads_outside_the_folder_is_refused(fitted, file, tmp_path):
    fitted.save(tmp_path / "router")
    (tmp_path / "router" / file).rename(tmp_path / "elsewhere")
    (tmp_path / "router" / file).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CheckpointError, match="leads outside the folder"):
        load_router(tmp_path / "router")


def test_an_unknown_hyper_parameter_is_refused_when_it_is_built_from_a_recipe(name):
    with pytest.raises(TypeError):
        router_class(name)(no_such_parameter=1)
