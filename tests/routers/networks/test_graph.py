"""Message passing: what a model's state depends on, and what it does not."""

import numpy as np
import torch

from rl_router.routers.networks.graph import Graph, call_edges, logits, new_network, node_states

DIM, WIDTH = 4, 8
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(6, DIM))
TASKS = np.eye(2)[[0, 0, 0, 1, 1, 1]]
TASK_VECTORS = np.stack([VECTORS[:3].mean(axis=0), VECTORS[3:].mean(axis=0)])
SCORES = RNG.random((6, 3)) / 2
COSTS_USD = 10.0 ** RNG.uniform(-5, -2, (6, 3))
NETWORK = new_network(DIM, WIDTH, np.random.default_rng(1))


def graph(scores=SCORES, costs_usd=COSTS_USD):
    calls = call_edges(scores, costs_usd)
    return Graph(vectors=VECTORS, tasks_of=TASKS, task_vectors=TASK_VECTORS, calls=calls)


def odds(g):
    return logits(NETWORK, VECTORS[:2], TASKS[:2], *node_states(NETWORK, g))


def test_the_order_of_the_models_only_orders_the_columns():
    order = [2, 0, 1]
    np.testing.assert_allclose(odds(graph(SCORES[:, order], COSTS_USD[:, order])), odds(graph())[:, order], atol=1e-5)


def test_an_unknown_call_is_no_edge_whatever_its_cost():
    scores = SCORES.copy()
    scores[1, 2] = np.nan
    other_costs = COSTS_USD.copy()
    other_costs[1, 2] = 99.0
    np.testing.assert_array_equal(odds(graph(scores)), odds(graph(scores, other_costs)))
    assert not np.allclose(odds(graph(scores)), odds(graph()))


def test_scores_and_costs_both_travel_along_the_edges():
    assert not np.allclose(odds(graph(SCORES + 0.5)), odds(graph()))
    assert not np.allclose(odds(graph(costs_usd=COSTS_USD * 10)), odds(graph()))


def test_a_model_can_join_without_other_weights():
    """Two models and a newcomer who does exactly as the second: it is valued like the second."""
    with_twin = [0, 1, 1]
    found = odds(graph(SCORES[:, with_twin], COSTS_USD[:, with_twin]))
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found[:, 1], found[:, 2], atol=1e-6)


def test_a_model_and_a_task_without_edges_are_finite():
    alone = SCORES.copy()
    alone[:, 2] = np.nan
    assert np.isfinite(odds(graph(alone))).all()


def test_numpy_and_torch_agree():
    def tensor(array):
        return torch.tensor(array, dtype=torch.float64)

    network = {name: tensor(array) for name, array in NETWORK.items()}
    calls = {name: tensor(edges) for name, edges in graph().calls.items()}
    in_torch = Graph(vectors=tensor(VECTORS), tasks_of=tensor(TASKS), task_vectors=tensor(TASK_VECTORS), calls=calls)
    found = logits(network, tensor(VECTORS[:2]), tensor(TASKS[:2]), *node_states(network, in_torch))
    np.testing.assert_allclose(found.numpy(), odds(graph()), atol=1e-6)


def test_an_edge_says_what_is_known_of_a_call_and_zero_where_nothing_is():
    edges = call_edges(np.array([[1.0, 0.25, np.nan]]), np.array([[0.01, np.nan, 0.01]]))
    np.testing.assert_allclose(edges["made"], [[1, 1, 0]])
    np.testing.assert_allclose(edges["scored"], [[1, -0.5, 0]])
    np.testing.assert_allclose(edges["paid"], [[1.5, 0, 0]], atol=1e-6)
