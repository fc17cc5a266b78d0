import numpy as np
import pytest
from scipy import sparse

from rl_router.routers.linear import ridge, ridges


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    vectors = sparse.random(80, 50, 0.2, random_state=1, format="csr")
    targets = rng.normal(size=(80, 3))
    targets[:, 1] = 0.0
    return vectors, targets


def test_one_query_and_one_word_give_the_shrunk_target():
    # |w − 6|² + 2 w² is least at w = 2
    np.testing.assert_allclose(ridge(sparse.csr_matrix([[1.0]]), np.array([[6.0]]), 2.0), [[2.0]])


def test_sparse_vectors_give_what_the_normal_equations_give_for_every_strength(problem):
    vectors, targets = problem
    found = ridges(vectors, targets, (10.0, 0.1, 1.0))
    for w, strength in zip(found, (10.0, 0.1, 1.0), strict=True):
        x = vectors.toarray()
        np.testing.assert_allclose(w, np.linalg.solve(x.T @ x + strength * np.eye(50), x.T @ targets), atol=1e-5)
    assert not found[:, :, 1].any()  # nothing to explain


def test_dense_vectors_give_what_sparse_ones_give(problem):
    vectors, targets = problem
    both = [ridges(x, targets, (0.5, 5.0)) for x in (vectors, vectors.toarray())]
    np.testing.assert_allclose(*both, atol=1e-5)


def test_a_column_is_what_it_is_alone(problem):
    vectors, targets = problem
    np.testing.assert_allclose(ridge(vectors, targets, 1.0)[:, [2]], ridge(vectors, targets[:, [2]], 1.0), atol=1e-9)
