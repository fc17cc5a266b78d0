"""Nearest neighbours: who is one, and what their scores come to."""

import numpy as np
import pytest

from rl_router.routers.knn import SAME, nearest


def plainly_nearest(similarity, k):
    """The definition, by a sort of everything."""
    least = np.sort(similarity)[::-1][min(k, len(similarity)) - 1]
    return np.flatnonzero(similarity >= max(least - SAME, SAME))


def test_all_that_are_as_similar_as_the_kth_are_neighbours():
    similarity = np.array([0.5, 0.9, 0.5, 0.1, 0.5 + SAME / 2], dtype=np.float32)
    assert nearest(similarity, 2).tolist() == [0, 1, 2, 4]


def test_what_is_not_similar_at_all_is_no_neighbour():
    assert nearest(np.array([0.0, 0.2, 0.0, -0.3], dtype=np.float32), 3).tolist() == [1]
    assert nearest(np.zeros(200, dtype=np.float32), 5).tolist() == []


@pytest.mark.parametrize("n", [1, 15, 16, 100, 1600, 1601])
@pytest.mark.parametrize("k", [1, 3, 50])
@pytest.mark.parametrize("kept", [0.01, 0.3, 1.0])
def test_looking_at_groups_first_finds_the_same_neighbours_as_sorting_all(n, k, kept):
    rng = np.random.default_rng(n + k)
    similarity = (rng.random(n).round(2) * (rng.random(n) < kept)).astype(np.float32)  # many ties and many zeros
    assert nearest(similarity, k).tolist() == plainly_nearest(similarity, k).tolist()
