"""Plugins are found in the named folders only, run only when used, and a broken one is named."""

from pathlib import Path

import pytest

from rl_router.errors import RecipeError
from rl_router.recipe import load_job
from rl_router.routers.registry import entries, router_class
from rl_router.routers.router import load_router

EXAMPLES = Path(__file__).parents[2] / "docs" / "custom_routers"
META = """
from llmrouter.models.meta_router import MetaRouter

class Keyword(MetaRouter):
    def __init__(self, yaml_path):
        super().__init__(model=None, yaml_path=yaml_path)

    def route_single(self, query_input):
        found = any(word in query_input["query"] for word in self.cfg["words"])
        return {"query": query_input["query"], "model_name": "mather" if found else "cheap"}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RL_ROUTER_PLUGINS", raising=False)
    return tmp_path


def write(place, name, code, config="description: mine\n"):
    (place / name).mkdir(parents=True)
    (place / name / "router.py").write_text(code)
    (place / name / "config.yaml").write_text(config)


@pytest.mark.parametrize("name", ["by_length", "centroid"])
def test_the_examples_are_found_fitted_saved_and_loaded(here, monkeypatch, train, queries, name):
    monkeypatch.setenv("RL_ROUTER_PLUGINS", str(EXAMPLES))
    job = load_job(name, ["data=table.parquet"])
    router = job.router.fit(train, rule=job.rule)
    router.save(here / "router")
    before = [d.model for d in router.route(queries)]
    assert [d.model for d in load_router(here / "router").route(queries)] == before
    assert len(set(before)) > 1


def test_a_plugin_takes_another_rule_and_learner_as_any_recipe_does(here, monkeypatch):
    monkeypatch.setenv("RL_ROUTER_PLUGINS", str(EXAMPLES))
    job = load_job("centroid", ["data=t.parquet", "rule=top_k", "learner=bandit", "seed=4", "router.features=lsa:8"])
    assert (job.rule.kind, job.learner.kind, job.learner.seed, job.router.features) == ("top_k", "bandit", 4, "lsa:8")
    assert str(job.run_dir) == "runs/centroid"
    with pytest.raises(RecipeError, match="recipe centroid leaves data for you to set: add data=VALUE"):
        load_job("centroid")


def test_the_length_rule_sends_long_questions_to_the_dearest_model(here, monkeypatch, train, queries):
    monkeypatch.setenv("RL_ROUTER_PLUGINS", str(EXAMPLES))
    router = router_class("by_length")(words=8).fit(train)
    for query, decision in zip(queries, router.route(queries), strict=True):
        assert decision.model == ("strong" if len(query.text.split()) > 8 else "cheap")


@pytest.mark.parametrize("place", ["custom_routers", "home/.rl_router/plugins"])
def test_a_router_of_llmrouter_works_through_the_adapter(here, train, queries, place):
    write(here / place, "keyword", META, "description: by a keyword\nwords: [prime, sum]\n")
    router = router_class("keyword")().fit(train)
    for query, decision in zip(queries, router.route(queries), strict=True):
        named = "prime" in query.text or "sum" in query.text
        assert decision.model == ("mather" if named else "cheap")


def test_a_broken_plugin_is_named_with_its_error_and_hurts_nothing_else(here):
    write(here / "custom_routers", "bad", "raise ValueError('no such luck')")
    write(here / "custom_routers", "worse", "x = 1", "a: [1\nb")
    assert {"knn", "bad", "worse"} <= set(entries())
    assert "BROKEN" in entries()["worse"].description
    with pytest.raises(RecipeError, match="plugin bad is broken: ValueError: no such luck"):
        router_class("bad")
    assert load_job("knn", ["data=t.parquet"]).router.kind == "knn"
    (here / "custom_routers" / "bad" / "config.yaml").unlink()
    with pytest.raises(RecipeError, match="plugin bad is broken: its folder has no config.yaml"):
        router_class("bad")


def test_nothing_of_a_plugin_runs_before_it_is_used_and_nothing_outside_the_named_folders(here):
    write(here / "custom_routers", "loud", "open('ran', 'w')")
    write(here / "elsewhere", "hidden", "open('ran', 'w')")
    entries()
    load_job("knn", ["data=t.parquet"])
    assert "hidden" not in entries()
    assert not (here / "ran").exists()


def test_a_plugin_cannot_take_the_place_of_a_router_that_ships(here):
    write(here / "custom_routers", "knn", "raise SystemExit")
    assert router_class("knn").__module__ == "rl_router.routers.knn"
