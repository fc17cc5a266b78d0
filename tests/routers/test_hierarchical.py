import numpy as np
import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.hierarchical import Hierarchical, believed
from rl_router.types import Query


def table(asked):
    """`asked`: (text, task, score of a, score of b); one row per model."""
    rows = [
        {
            "dataset": "made_up", "split": "train", "query_id": f"q{i:03d}", "query": text, "task": task,
            "ground_truth": None, "model": model, "score": score, "cost_usd": None, "prompt_tokens": None,
            "completion_tokens": None, "response": None,
        }
        for i, (text, task, *scores) in enumerate(asked)
        for model, score in zip("ab", scores, strict=True)
    ]  # fmt: skip
    types = {"ground_truth": pl.String, "response": pl.String, "cost_usd": pl.Float64}
    types |= {"prompt_tokens": pl.Int64, "completion_tokens": pl.Int64}
    return RoutingTable(pl.DataFrame(rows, schema_overrides=types))


def ask(text, task=""):
    return [Query(query_id="x", text=text, answers=(), task=task)]


# In `maths` a word decides: primes are for a, angles for b. In `poems` the same words say nothing, and a leads 3 to 1.
# No other word is there twice.
WORDS = ("primes", "angles")
MATHS = [(f"{WORDS[i % 2]} m{i:03d}", "maths", float(i % 2 == 0), float(i % 2)) for i in range(120)]
POEMS = [(f"{WORDS[i % 2]} p{i:03d}", "poems", float(i % 8 > 1), float(i % 8 < 2)) for i in range(120)]


@pytest.fixture(scope="module")
def router():
    return Hierarchical(borrowed=1.0, features="tfidf").fit(table(MATHS + POEMS))


def test_a_task_in_which_words_decide_believes_them_and_one_in_which_they_do_not_keeps_to_its_means(router):
    assert [d.model for d in router.route(ask("primes", "maths") + ask("angles", "maths"))] == ["a", "b"]
    assert [d.model for d in router.route(ask("primes", "poems") + ask("angles", "poems"))] == ["a", "a"]
    maths = router.scores(ask("primes", "maths") + ask("angles", "maths"))
    poems = router.scores(ask("primes", "poems") + ask("angles", "poems"))
    assert maths[0, 0] - maths[1, 0] > 0.7
    assert abs(poems[0, 0] - poems[1, 0]) < 0.2


def test_where_words_say_nothing_it_is_the_best_model_per_task():
    asked = [(f"w{i * 7 % 11} w{i * 5 % 13}", "sums", float(i % 3 > 0), float(i % 3 == 0)) for i in range(90)]
    router, means = Hierarchical().fit(table(asked)), BestPerTask().fit(table(asked))
    queries = ask("w3 w4", "sums") + ask("w10 w1", "sums")
    np.testing.assert_allclose(router.scores(queries), means.scores(queries), atol=0.03)


def test_a_task_unheard_of_is_read_off_the_text():
    asked = [(f"add up {i}", "sums", 1.0, 0.0) for i in range(20)] + [
        (f"a rhyme {i}", "poems", 0.0, 1.0) for i in range(20)
    ]
    router = Hierarchical(task_strength=0.01).fit(table(asked))
    read, named = router.scores(ask("another rhyme", "verses")), router.scores(ask("another rhyme", "poems"))
    np.testing.assert_allclose(read, named, atol=0.05)


def test_belief_is_the_least_squares_factor_and_never_negative():
    left = np.array([[0.3, -0.3], [-0.1, 0.1], [0.2, -0.2], [-0.2, 0.2]])
    first, second = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]).T
    members = np.stack([first, second], axis=1)
    # the first task's predictions are half of the truth, the second's are its opposite
    said = np.where(members[:, [0]] > 0, left / 2, -left)[None]
    np.testing.assert_allclose(believed(said, left, members, borrowed=1e-9), [[2.0], [0.0]], atol=1e-6)


def test_what_all_models_share_is_not_counted():
    left = np.array([[0.5, 0.3], [-0.3, -0.5]])  # hard or easy: 0.4 and −0.4; a is 0.1 better than their mean
    said = np.array([[[0.1, -0.1], [0.1, -0.1]]])
    np.testing.assert_allclose(believed(said, left, np.ones((2, 1)), borrowed=1e-9), [[1.0]], atol=1e-6)


def test_a_small_task_borrows_from_all_of_them():
    left = np.concatenate([np.tile([[0.1, -0.1]], (99, 1)), [[-0.1, 0.1]]])
    members = np.stack([np.arange(100) < 99, np.arange(100) == 99], axis=1).astype(float)
    said = np.tile([[0.1, -0.1]], (100, 1))[None]
    # all together: (99 − 1) / 100 = 0.98. One query that says −1 beside 99 borrowed ones that say 0.98: 0.9602
    np.testing.assert_allclose(believed(said, left, members, borrowed=99.0)[1], [0.9602], atol=1e-6)


def test_a_score_that_is_unknown_moves_no_belief():
    left = np.array([[0.2, -0.2], [0.7, np.nan]])
    said = np.array([[[0.1, -0.1], [-9.0, 9.0]]])
    np.testing.assert_allclose(believed(said, left, np.ones((2, 1)), borrowed=1e-9), [[2.0]], atol=1e-6)
