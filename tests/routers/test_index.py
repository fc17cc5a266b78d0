"""Similarity to a table: whichever way a word is looked up, the cosines are those of one plain product."""

import numpy as np
import pytest
from scipy import sparse

from rl_router.routers import index
from rl_router.routers.index import COMMON, Index

HOW_OFTEN = (1.0, 0.5, 1 / COMMON, 0.02)  # of the table's queries have a term: three kinds are common, one is rare


def table(n, terms_of_a_kind, seed):
    """[n, d] random vectors, `terms_of_a_kind` terms for each of HOW_OFTEN."""
    rng = np.random.default_rng(seed)
    share = np.repeat(HOW_OFTEN, terms_of_a_kind)
    return (rng.random((n, len(share))) * (rng.random((n, len(share))) < share)).astype(np.float32)


@pytest.mark.parametrize("queries", [1, 7])
@pytest.mark.parametrize("terms_of_a_kind", [1, 5])
def test_similarities_are_the_plain_product(queries, terms_of_a_kind):
    vectors, asked = table(200, terms_of_a_kind, 0), table(queries, terms_of_a_kind, 1)
    plain = asked @ vectors.T
    for form in (sparse.csr_matrix, np.asarray):
        found = np.concatenate(list(Index.of(form(vectors)).similarities(form(asked))))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, plain, rtol=1e-5, atol=1e-6)


def test_a_term_of_an_eighth_of_the_table_is_common_and_a_rarer_one_is_not():
    vectors = np.zeros((16, 2), dtype=np.float32)
    vectors[:2, 0] = vectors[0, 1] = 1.0
    found = Index.of(sparse.csr_matrix(vectors))
    assert found.place.tolist() == [0, -1]
    assert found.common.tolist() == [[1, 1, *[0] * 14]]
    assert found.rare.toarray().sum(axis=1).tolist() == [0, 1]


def test_a_text_without_a_known_word_is_similar_to_nothing():
    found = Index.of(sparse.csr_matrix(table(50, 2, 0)))
    (block,) = found.similarities(sparse.csr_matrix((1, 2 * len(HOW_OFTEN)), dtype=np.float32))
    assert not block.any()


def test_many_queries_come_in_blocks(monkeypatch):
    monkeypatch.setattr(index, "BLOCK_BYTES", 4 * 30 * 3)  # three queries against a table of thirty
    vectors, asked = table(30, 2, 0), table(8, 2, 1)
    blocks = list(Index.of(sparse.csr_matrix(vectors)).similarities(sparse.csr_matrix(asked)))
    assert [len(block) for block in blocks] == [3, 3, 2]
    np.testing.assert_allclose(np.concatenate(blocks), asked @ vectors.T, rtol=1e-5, atol=1e-6)
