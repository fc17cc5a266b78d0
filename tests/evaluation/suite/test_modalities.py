"""Questions with pictures in a suite: a router chooses among the models that the pool says can see, and no others."""

import json

import numpy as np
import polars as pl
import pytest
import yaml

from rl_router.data.table import RoutingTable
from rl_router.errors import RecipeError
from rl_router.evaluation.suite.entrants import choices_of, routes_of
from rl_router.evaluation.suite.references import REFERENCES
from rl_router.evaluation.suite.sources import replayed_arena
from rl_router.evaluation.suite.suite import Suite
from rl_router.routers.knn import Knn
from rl_router.routers.rules import Cascade


def table(what="images"):
    """`blind` is recorded as right about everything, pictures included, which no model without eyes can be."""
    rows = [
        {
            "dataset": "d", "split": split, "query_id": f"{split}{i}", "query": f"{split} question {i}", "task": "t",
            "ground_truth": None, "model": model, "score": float(model == "blind"), "cost_usd": 0.001,
            "prompt_tokens": 1, "completion_tokens": 1, "response": "yes",
            "meta": json.dumps({what: ["x"]}) if i % 2 == 0 else None,
        }
        for split in ("train", "test") for i in range(8) for model in ("blind", "seeing")
    ]  # fmt: skip
    return RoutingTable(pl.DataFrame(rows, schema_overrides={"ground_truth": pl.String, "meta": pl.String}))


@pytest.fixture
def arena_of(tmp_path):
    def made(table):
        models = [
            {"name": name, "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 1.0, "capabilities": able}
            for name, able in (("blind", ["general"]), ("seeing", ["images"]))
        ]
        (tmp_path / "pool.yaml").write_text(yaml.safe_dump({"models": models}))
        suite = Suite(name="s", run_dir=tmp_path / "run", table=tmp_path / "t", pool=str(tmp_path / "pool.yaml"))
        return replayed_arena(suite, table)

    return made


def test_a_router_asks_only_models_that_take_the_question(arena_of):
    arena = arena_of(table())
    router = Knn(k=3).fit(table().select(split="train"))
    queries = arena.test.queries
    choices = choices_of(router, arena, queries, (0.0, 0.5))
    chosen = [[arena.models[j] for j in of_weight] for of_weight in choices.columns]
    wanted = ["seeing" if query.meta else "blind" for query in queries]
    assert chosen == [wanted, wanted] and len(set(wanted)) == 2
    cascade = Knn(k=3).fit(table().select(split="train"), rule=Cascade())
    routes = routes_of(cascade, arena, queries, (0.0,)).columns[0]
    assert [arena.models[route[0]] for route in routes] == wanted


def test_questions_that_no_model_takes_are_refused_with_what_to_do(arena_of):
    arena = arena_of(table("audio"))
    router = Knn(k=3).fit(table("audio").select(split="train"))
    with pytest.raises(RecipeError, match="4 questions hold audio, which none of blind, seeing takes: state it among"):
        choices_of(router, arena, arena.test.queries, (0.0,))


def test_no_reference_row_asks_a_model_that_does_not_take_the_question(arena_of):
    """`blind` would be every row's choice: it is right about everything, as dear as the other, and the first."""
    arena = arena_of(table())
    rows = np.arange(len(arena.test.queries))
    wanted = ["seeing" if query.meta else "blind" for query in arena.test.queries]
    for name, rule in REFERENCES.items():
        for seed in range(5):
            for of_weight in rule(arena, (0.0, 0.5), seed, rows).columns:
                chosen = [arena.models[j] for j in of_weight]
                pictures = [model for model, right in zip(chosen, wanted, strict=True) if right == "seeing"]
                assert set(pictures) == {"seeing"}, name
                assert chosen == wanted or name in ("random", "prompt_length"), name


def test_an_ungraded_answer_is_the_oracles_before_that_of_a_model_that_cannot_be_asked(arena_of):
    ungraded = table()
    ungraded = ungraded.part(
        ungraded.frame.with_columns(score=pl.when(pl.col("model") == "blind").then(pl.col("score")))
    )
    arena = arena_of(ungraded)
    chosen = REFERENCES["oracle"](arena, (0.0,), 0, np.arange(len(arena.test.queries))).columns[0]
    assert [arena.models[j] for j in chosen] == ["seeing" if q.meta else "blind" for q in arena.test.queries]
