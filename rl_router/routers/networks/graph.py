"""Message passing between tasks, queries and models: the network of GraphRouter (arXiv 2410.03834, section 3.2).

Every edge between a query and a model carries what is known of that call: that it was made, how well it scored, what
it cost. A model's state is made from its edges alone, so a model that joins later needs edges but no training. A query
to be routed has no such edge; it hears from its task, and its task from the queries that were answered before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_router.routers.networks.layers import Arrays, dense, new_dense, relu

LAYERS = (1, 2)
CALLS = ("made", "scored", "paid")
CHEAPEST_USD = 1e-7


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Answered queries and the edges around them, as numpy arrays or as torch tensors."""

    vectors: Any  # [s, d] of the answered queries
    tasks_of: Any  # [s, t] one-hot
    task_vectors: Any  # [t, d] mean vector of a task's queries
    calls: dict[str, Any]  # name of CALLS -> [s, m], zero where nothing is known


def call_edges(scores: np.ndarray, costs_usd: np.ndarray) -> dict[str, np.ndarray]:
    """The edges of scores and costs [s, m]; a call without a score is no edge, one without a cost carries none.

    Scores in 0..1 become -1..1, and costs their power of ten, so that a cent is 1.5 and a thousandth of it -1.5.
    """
    made = ~np.isnan(scores)
    powers = np.log10(np.maximum(costs_usd, CHEAPEST_USD)) + 3.5
    edges = {"made": made, "scored": 2.0 * np.nan_to_num(scores) - 1.0, "paid": np.nan_to_num(powers)}
    return {name: (edge * made).astype(np.float32) for name, edge in edges.items()}


def new_network(dim: int, width: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights for text vectors of `dim` numbers and node states of `width`."""
    arrays = (
        new_dense("query", dim, width, rng) | new_dense("task", dim, width, rng) | new_dense("model", 2, width, rng)
    )
    for layer in LAYERS:
        messages = ["model.self", "task.self", "query.self", "task.query", "query.task"]
        messages += [f"{node}.{call}" for node in ("model", "query") for call in CALLS]
        for message in messages:
            arrays |= new_dense(f"{layer}.{message}", width, width, rng)
    return arrays | new_dense("level", width, 1, rng)


def node_states(arrays: Arrays, graph: Graph) -> tuple[Any, list[Any]]:
    """The final states of the models [m, w], and the states of the tasks [t, w] that each layer reads."""
    made = graph.calls["made"]
    of_model = made.sum(0)[:, None].clip(min=1)  # [m, 1] calls of a model
    of_query = made.sum(1)[:, None].clip(min=1)  # [s, 1] calls of a query
    of_task = graph.tasks_of.sum(0)[:, None].clip(min=1)  # [t, 1] queries of a task
    queries = relu(dense(arrays, "query", graph.vectors))
    tasks = relu(dense(arrays, "task", graph.task_vectors))
    models = _first_models(arrays, graph, of_model)
    read = []
    for layer in LAYERS:
        read.append(tasks)
        to_models = dense(arrays, f"{layer}.model.self", models)
        to_queries = _to_query(arrays, layer, queries, graph.tasks_of @ tasks)
        for call, edges in graph.calls.items():
            heard = set_apart(edges.T @ queries / of_model)
            to_models = to_models + dense(arrays, f"{layer}.model.{call}", heard)
            to_queries = to_queries + dense(arrays, f"{layer}.query.{call}", edges @ models / of_query)
        to_tasks = dense(arrays, f"{layer}.task.query", graph.tasks_of.T @ queries / of_task)
        tasks = relu(dense(arrays, f"{layer}.task.self", tasks) + to_tasks)
        models, queries = relu(to_models), relu(to_queries)
    return models, read


def logits(arrays: Arrays, vectors: Any, tasks_of: Any, models: Any, tasks: list[Any]) -> Any:
    """[b, m] log-odds that a model answers well, for queries without edges: text vectors [b, d] and tasks [b, t]."""
    queries = relu(dense(arrays, "query", vectors))
    for layer, states in zip(LAYERS, tasks, strict=True):
        queries = relu(_to_query(arrays, layer, queries, tasks_of @ states))
    return queries @ models.T / models.shape[1] ** 0.5 + dense(arrays, "level", models).T


def _first_models(arrays: Arrays, graph: Graph, of_model: Any) -> Any:
    """[m, w] from the mean score and the mean cost of a model's calls."""
    score, cost = (graph.calls[call].sum(0)[:, None] / of_model for call in ("scored", "paid"))
    weight = arrays["model.weight"]
    return relu(score @ weight[:1] + cost @ weight[1:] + arrays["model.bias"])


def set_apart(messages: Any) -> Any:
    """[m, w] less their mean over the models, in units of what is left.

    Means over many queries differ little from model to model, and what tells models apart is all that routing needs.
    The published network normalises batches of nodes to the same end.
    """
    left = messages - messages.mean(0)[None]
    return left / ((left * left).mean() + 1e-6) ** 0.5


def _to_query(arrays: Arrays, layer: int, queries: Any, tasks: Any) -> Any:
    return dense(arrays, f"{layer}.query.self", queries) + dense(arrays, f"{layer}.query.task", tasks)
