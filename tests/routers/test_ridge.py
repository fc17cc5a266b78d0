import numpy as np
import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.errors import RecipeError
from rl_router.routers.features import make_features
from rl_router.routers.ridge import Ridge
from rl_router.types import Query


def table(asked):
    """`asked`: (text, task, score of a, score of b), one row per model."""
    rows = [
        {
            "dataset": "made_up",
            "split": "train",
            "query_id": f"q{i}",
            "query": text,
            "task": task,
            "ground_truth": None,
            "model": model,
            "score": score,
            "cost_usd": None,
            "prompt_tokens": None,
            "completion_tokens": None,
            "response": None,
            "margin": 2 * score - 1,
        }
        for i, (text, task, *scores) in enumerate(asked)
        for model, score in zip("ab", scores, strict=True)
    ]
    types = {"ground_truth": pl.String, "response": pl.String, "cost_usd": pl.Float64}
    types |= {"prompt_tokens": pl.Int64, "completion_tokens": pl.Int64}
    return RoutingTable(pl.DataFrame(rows, schema_overrides=types))


SUMS = [("add the numbers", "sums", 1.0, 0.0)] * 3 + [("add the numbers", "sums", 0.0, 0.0)]
POEMS = [("write a poem", "poems", 0.0, 1.0)] * 2 + [("write a poem", "poems", 0.0, 0.0)] * 2


def ask(text, task=""):
    return [Query(query_id="x", text=text, answers=(), task=task)]


def test_a_strong_pull_leaves_the_means_of_the_task_that_the_text_looks_like():
    router = Ridge(strength=1e9, task_strength=1e-6, prior=0.0).fit(table(SUMS + POEMS))
    np.testing.assert_allclose(router.scores(ask("add the numbers")), [[0.75, 0.0]], atol=1e-4)
    np.testing.assert_allclose(router.scores(ask("write a poem")), [[0.0, 0.5]], atol=1e-4)


def test_the_task_that_a_query_names_is_not_read():
    router = Ridge().fit(table(SUMS + POEMS))
    assert router.scores(ask("write a poem", "sums")).tolist() == router.scores(ask("write a poem", "poems")).tolist()


def test_a_weak_pull_finds_the_words_that_decide_within_one_task():
    asked = [("sum of primes", "maths", 1.0, 0.0), ("angle of triangles", "maths", 0.0, 1.0)] * 3
    router = Ridge(strength=1e-6, features="tfidf").fit(table(asked))
    np.testing.assert_allclose(router.scores(ask("sum of primes")), [[1.0, 0.0]], atol=1e-4)
    np.testing.assert_allclose(router.scores(ask("angle of triangles")), [[0.0, 1.0]], atol=1e-4)


def test_another_column_may_teach_what_the_task_leaves_open():
    asked = [("sum of primes", "maths", 1.0, 0.0), ("angle of triangles", "maths", 0.0, 1.0)] * 3
    router = Ridge(strength=1e-6, features="tfidf", learn_from="margin").fit(table(asked))
    # the means are 0.5; a margin lies 1 from its mean of 0, so 1.5 and -0.5 are cut to the range of a quality
    np.testing.assert_allclose(router.scores(ask("sum of primes")), [[1.0, 0.0]], atol=1e-4)
    with pytest.raises(RecipeError, match="learn_from to name a column"):
        Ridge(learn_from="no_such_column").fit(table(asked))


def test_joined_features_average_the_cosines_of_their_parts():
    texts = ["add the numbers", "add the words", "好的数字", "好的词"]
    both, words, chars = (make_features(name).fit(texts)(texts) for name in ("tfidf+chars", "tfidf", "chars"))
    cosines = ((words @ words.T) + (chars @ chars.T)).toarray() / 2
    np.testing.assert_allclose((both @ both.T).toarray(), cosines, atol=1e-6)
    assert cosines[2, 3] > 0 == (words @ words.T).toarray()[2, 3]
