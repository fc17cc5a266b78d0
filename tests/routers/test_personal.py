"""Routers that know their users, on people who like one of two styles and say so."""

import random

import numpy as np
import pytest

from rl_router.data.interactions import sessions_table
from rl_router.errors import UnknownModelError
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.registry import router_class
from rl_router.routers.router import load_router
from rl_router.types import Query

STYLES = {"terse": "42", "chatty": "Well, let us think about this together. " * 12 + "42"}
SMALL = {
    "gmtrouter": {"features": "hashing:8", "width": 8, "training": Schedule(learning_rate=0.02, batch_size=8)},
    "personalizedrouter": {
        "features": "hashing:8",
        "width": 4,
        "training": Schedule(learning_rate=0.02, batch_size=8, weight_decay=1.0),
    },
    "user_elo": {},
    "user_knn": {"features": "hashing:8"},
}
NAMES = sorted(SMALL)


def people(likes, turns, seed=0, answers=STYLES):
    """`likes` maps a user to the model that this user prefers in every turn."""
    rng = random.Random(seed)
    for user, liked in likes.items():
        talk = [
            {
                "query": f"what is {rng.randrange(100)} and {rng.randrange(100)}",
                "preferred": liked,
                "answers": [{"model": model, "response": text, "cost_usd": 0.001} for model, text in answers.items()],
            }
            for _ in range(turns)
        ]
        yield f"{user} {seed}", {"session": f"{user} {seed}", "user": user, "turns": talk}


def half_and_half(n, turns, seed=0):
    return sessions_table(people({f"u{i}": "terse" if i % 2 else "chatty" for i in range(n)}, turns, seed))


def asks(user):
    meta = {"user": user} if user else {}
    return [
        Query(query_id=f"{user} {i}", text=f"what is {i} and 7", answers=(), task="sessions", meta=meta)
        for i in range(5)
    ]


def liked(router, user):
    return {decision.model for decision in router.route(asks(user))}


@pytest.fixture(scope="module", params=NAMES)
def fitted(request):
    return router_class(request.param)(**SMALL[request.param]).fit(half_and_half(40, 6))


def test_users_of_the_table_get_what_they_like(fitted):
    assert liked(fitted, "u1") == {"terse"} and liked(fitted, "u2") == {"chatty"}


def test_a_new_user_is_known_after_a_few_turns_without_training(fitted):
    newcomers = sessions_table(people({"ada": "terse", "bob": "chatty"}, 5, seed=9))
    knows = fitted.joined(newcomers)
    assert liked(knows, "ada") == {"terse"} and liked(knows, "bob") == {"chatty"}
    assert liked(knows, "u1") == {"terse"}
    # half of all people like either, so of one who said nothing nothing is known
    np.testing.assert_allclose(fitted.scores(asks("ada")), fitted.scores(asks("")))
    assert np.ptp(fitted.scores(asks("")), axis=1).max() < 0.2


def test_what_a_user_says_later_is_added_to_what_was_said_before(fitted):
    changed = fitted
    for seed in range(20, 26):
        changed = changed.joined(sessions_table(people({"u1": "chatty"}, 12, seed)))
    assert liked(changed, "u1") == {"chatty"} and liked(fitted, "u1") == {"terse"}


def test_a_joined_router_is_saved_with_its_users(fitted, tmp_path):
    knows = fitted.joined(sessions_table(people({"ada": "terse"}, 5, seed=9)))
    knows.save(tmp_path / "router")
    loaded = load_router(tmp_path / "router")
    for user in ("ada", "u2", ""):
        np.testing.assert_allclose(loaded.scores(asks(user)), knows.scores(asks(user)), atol=2e-6)


def test_order_of_users_in_a_batch_does_not_matter(fitted):
    mixed = [query for pair in zip(asks("u1"), asks("u2"), asks(""), strict=True) for query in pair]
    alone = np.concatenate([fitted.scores([query]) for query in mixed])
    np.testing.assert_allclose(fitted.scores(mixed), alone, atol=2e-6)


def test_gmtrouter_takes_a_new_model_by_its_answers(tmp_path):
    router = router_class("gmtrouter")(**SMALL["gmtrouter"]).fit(half_and_half(40, 6))
    answers = {"curt": "7", "terse": STYLES["terse"]}
    table = sessions_table(people({"eve": "curt", "dan": "terse"}, 6, seed=4, answers=answers))
    grown = router.joined(table)
    assert grown.models_ == ("chatty", "curt", "terse")
    scores = dict(zip(grown.models_, grown.scores(asks("u1")).mean(axis=0), strict=True))
    assert scores["curt"] > scores["chatty"]  # u1 likes it terse, and has never seen `curt`
    assert (grown.costs_usd(asks("u1")) > 0).all()
    grown.save(tmp_path / "router")
    np.testing.assert_allclose(load_router(tmp_path / "router").scores(asks("u1")), grown.scores(asks("u1")), atol=2e-6)


@pytest.mark.parametrize("name", ["personalizedrouter", "user_elo", "user_knn"])
def test_routers_that_need_ratings_of_a_model_refuse_one_without(name):
    router = router_class(name)(**SMALL[name]).fit(half_and_half(6, 4))
    table = sessions_table(people({"eve": "curt"}, 3, answers={"curt": "7", "terse": "42"}))
    with pytest.raises(UnknownModelError, match="'curt'"):
        router.joined(table)
