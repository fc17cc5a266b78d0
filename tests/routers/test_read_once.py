"""What is read off the same texts is read once inside `read_once`, and anew outside of it."""

import numpy as np

from rl_router.data.table import RoutingTable
from rl_router.routers.features import Tfidf
from rl_router.routers.knn import Knn
from rl_router.routers.read_once import read, read_once


def test_an_equal_key_is_read_once_in_the_block_and_nothing_is_kept_after_it():
    made = []

    def value(key):
        return read(lambda: key, lambda: made.append(key) or len(made))

    assert [value(("a", 1)), value(("a", 1))] == [1, 2]
    with read_once():
        assert [value(("a", 1)), value(("b", 1)), value(("a", 1))] == [3, 4, 3]
    assert value(("a", 1)) == 5


def test_routers_fitted_on_the_same_queries_count_words_once_and_score_as_they_did_alone(table, monkeypatch):
    one, other = (Knn(k=k).fit(RoutingTable(table.frame)) for k in (1, 3))
    alone = [router.scores(table.queries()) for router in (one, other)]
    counted = []
    vectors = Tfidf._vectors
    monkeypatch.setattr(Tfidf, "_vectors", lambda self, texts: counted.append(len(texts)) or vectors(self, texts))
    with read_once():
        together = [router.scores(table.queries()) for router in (one, other)]
    assert counted == [len(table.queries())]
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_other_terms_are_other_vectors(table):
    texts = [query.text for query in table.queries()]
    with read_once():
        assert Tfidf().fit(texts)(texts).shape[1] > Tfidf().fit(texts[:1])(texts).shape[1]
