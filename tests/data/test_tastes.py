import numpy as np
import polars as pl
import pytest

from rl_router.data.answer_shape import SHAPES, answer_shapes
from rl_router.data.interactions import user_of
from rl_router.data.table import RoutingTable
from rl_router.data.tastes import Study, synthetic_users
from rl_router.errors import DataError

ANSWERS = {"short": "42", "long": "Let us see. " * 40 + "42", "listed": "- first\n- second\n- 42"}


def recorded(questions=60):
    rows = [
        {
            "dataset": "made_up",
            "split": "train",
            "query_id": f"q{i}",
            "query": f"question {i}",
            "task": "t",
            "ground_truth": None,
            "model": model,
            "score": float((i + j) % 3 > 0),
            "cost_usd": 0.001,
            "prompt_tokens": 1,
            "completion_tokens": len(text),
            "response": text,
        }
        for i in range(questions)
        for j, (model, text) in enumerate(ANSWERS.items())
    ]
    return RoutingTable(pl.DataFrame(rows, schema_overrides={"ground_truth": pl.String}))


def test_shapes_are_logarithms_of_counts():
    shape = dict(zip(SHAPES, answer_shapes(["# A\n- **b** is $7$\n1. `c`"])[0], strict=True))
    counts = {"length": 25, "lines": 2, "lists": 2, "emphasis": 1, "headings": 1, "formulas": 2, "code": 1, "digits": 2}
    assert shape == pytest.approx({name: np.log1p(count) for name, count in counts.items()})


def test_users_rate_as_their_taste_says():
    profiles = {"brief": {"length": -3.0}, "thorough": {"length": 3.0}}
    study = Study(users=8, new_users=4, turns=10, support=5, judged=6, own=0.0, noise=0.0, profiles=profiles)
    users = synthetic_users(recorded(), study, seed=0)
    test = users.select(split="test")
    queries = test.queries()
    scores = test.matrix("score", [query.query_id for query in queries], ["short", "long"])
    brief = np.array([query.meta["profile"] == "brief" for query in queries])
    assert (scores[brief, 0] > scores[brief, 1]).all() and (scores[~brief, 0] < scores[~brief, 1]).all()
    train = users.select(split="train")
    assert set(train.frame["score"].unique()) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert train.frame.group_by("query_id").len()["len"].unique().to_list() == [2]


def test_new_users_and_the_questions_they_are_judged_on_are_in_no_other_split():
    users = synthetic_users(recorded(), Study(users=8, new_users=4, turns=10, support=5, judged=6), seed=1)
    by_split = {split: users.select(split=split) for split in ("train", "support", "test")}
    names = {split: {user_of(query) for query in table.queries()} for split, table in by_split.items()}
    assert names["support"] == names["test"] and not names["train"] & names["test"]
    assert len(names["train"]) == 8 and len(names["test"]) == 4
    texts = {split: {query.text for query in table.queries()} for split, table in by_split.items()}
    assert not texts["test"] & (texts["train"] | texts["support"])


def test_a_seed_decides_everything_and_too_few_questions_are_refused():
    study = Study(users=3, new_users=2, turns=5, support=3, judged=4)
    first, again = (synthetic_users(recorded(), study, seed=3).frame for _ in range(2))
    assert first.equals(again)
    with pytest.raises(DataError, match="10 questions that every model answered"):
        synthetic_users(recorded(10), study, seed=0)
