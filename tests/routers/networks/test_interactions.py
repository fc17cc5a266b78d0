"""The network of PersonalizedRouter, with weights that let its messages be added up by hand."""

import numpy as np
import torch
from scipy import sparse

from rl_router.routers.networks.hidden_ratings import MOST, _groups
from rl_router.routers.networks.interactions import (
    Interactions,
    edges,
    logits,
    model_states,
    new_network,
    questions,
    user_counts,
    user_states,
    user_sums,
)

SCORES = np.array([[1.0, 0.0], [0.5, np.nan], [np.nan, 0.25]])
MEANS = np.array([0.75, 0.125])
ASKED_BY = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])  # ann twice, then nobody; of bob nothing is known
LIKED, RATED = edges(SCORES, MEANS)
VECTORS = np.random.default_rng(0).normal(size=(3, 2))
SEEN = Interactions(vectors=VECTORS, tasks=VECTORS[::-1], asked_by=ASKED_BY, liked=LIKED, rated=RATED)
NETWORK = {name: array.astype(float) for name, array in new_network(2, 2, 2, np.random.default_rng(1)).items()}


def test_an_edge_is_what_was_liked_better_than_the_model_is_on_average():
    assert LIKED.tolist() == [[0.25, -0.125], [-0.25, 0.0], [0.0, 0.125]]
    assert RATED.tolist() == [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]


def test_a_user_is_told_by_the_models_that_they_rated():
    models = np.array([[1.0, 2.0], [4.0, 0.0]])
    # ann: 0.25 of the first and -0.125 of the second, then -0.25 of the first
    assert user_sums(SEEN, models).tolist() == [[-0.5, 0.0], [0.0, 0.0]]
    assert user_counts(SEEN).tolist() == [[3.0], [0.0]]


def test_a_user_state_is_the_shrunk_mean_carried_over_both_rounds():
    network = NETWORK | {"shrink": np.array([np.sqrt(0.5)])}  # one rating more than there are
    for number in (1, 2):
        network |= {f"{number}.user.heard.weight": np.eye(2), f"{number}.user.self.weight": 0.5 * np.eye(2)}
    sums = [np.array([[8.0, 4.0], [0.0, 0.0]]), np.array([[4.0, 0.0], [0.0, 0.0]])]
    users = user_states(network, sums, np.array([[3.0], [0.0]]))
    # ann: (8, 4) / 4 = (2, 1) in the first round; (4, 0) / 4 + (2, 1) / 2 in the second
    np.testing.assert_allclose(users, [[2.0, 0.5], [0.0, 0.0]])


def test_a_user_likes_models_by_a_dot_product_and_their_level():
    network = NETWORK | {"level.weight": np.array([[0.5], [0.0]]), "level.bias": np.array([0.25])}
    models = np.array([[2.0, 0.0], [0.0, 2.0]])
    found = logits(network, np.array([[1.0, 3.0]]), models)
    np.testing.assert_allclose(found, [[2 / np.sqrt(2) + 1.25, 6 / np.sqrt(2) + 0.25]])


def test_models_hear_from_who_asked_and_in_the_second_round_from_the_users_too():
    anonymous = Interactions(
        vectors=VECTORS, tasks=SEEN.tasks, asked_by=0.0 * ASKED_BY, liked=LIKED, rated=RATED
    )  # fmt: skip
    named, unnamed = model_states(NETWORK, SEEN), model_states(NETWORK, anonymous)
    np.testing.assert_allclose(named[0], unnamed[0])
    np.testing.assert_allclose(named[1], unnamed[1])
    assert not np.allclose(named[2], unnamed[2])


def test_numpy_sparse_rows_and_torch_agree():
    def tensor(array):
        return torch.tensor(array, dtype=torch.float64)

    in_torch = Interactions(**{name: tensor(np.ascontiguousarray(array)) for name, array in vars(SEEN).items()})
    network = {name: tensor(array) for name, array in NETWORK.items()}
    as_sparse = Interactions(**{**vars(SEEN), "asked_by": sparse.csr_array(ASKED_BY)})
    for ours, torchs, sparses in zip(
        model_states(NETWORK, SEEN), model_states(network, in_torch), model_states(NETWORK, as_sparse), strict=True
    ):
        np.testing.assert_allclose(torchs.numpy(), ours, atol=1e-12)
        np.testing.assert_allclose(sparses, ours, atol=1e-12)
    np.testing.assert_allclose(
        questions(network, tensor(VECTORS), tensor(VECTORS)).numpy(), questions(NETWORK, VECTORS, VECTORS), atol=1e-12
    )


def test_groups_hold_every_row_once_of_one_user_and_no_more_than_fit():
    whose = np.array([-1] * 70 + [0] * 3 + [1] * 40)
    groups = _groups(whose, np.random.default_rng(0))
    assert sorted(np.concatenate(groups).tolist()) == list(range(113))
    assert [len(set(whose[group])) for group in groups] == [1] * len(groups)
    assert sorted(map(len, groups)) == [3, 20, 20, 23, 23, 24] and max(map(len, groups)) <= MOST
