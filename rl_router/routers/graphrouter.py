"""GraphRouter: a graph of tasks, queries and models, in which routing is predicting an edge that is not there yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from rl_router.data.table import RoutingTable
from rl_router.routers.cost_model import CostModel, joined_costs
from rl_router.routers.features import Features
from rl_router.routers.learned import learned
from rl_router.routers.networks.graph import Graph, call_edges, logits, new_network, node_states
from rl_router.routers.networks.inputs import check_shapes, dense_features
from rl_router.routers.networks.layers import Arrays, as_float64, sigmoid, unit
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query


@dataclass(kw_only=True)
class GraphRouter(Router):
    """score_j(q) = sigmoid(h_q · h_j / √w + level(h_j)), h after two rounds of messages over the graph.

    GraphRouter (arXiv 2410.03834), section 3.2: task, query and model nodes; edges between queries and models carry the
    score and the cost of a call. While it learns, the edges of a batch are hidden and predicted from those of `support`
    other queries, so that the network learns to read a graph and not to remember models. As many stay with the router.
    A query hears from its task; one of a task that the table does not have, from the task with the nearest vectors.

    A model that was never trained on joins by `with_models(table)`: its answers become edges, no weight changes.
    """

    kind: Literal["graphrouter"] = "graphrouter"
    features: str = "lsa:128"
    width: Annotated[int, Field(ge=2)] = 48
    support: Annotated[int, Field(ge=2)] = 1024
    training: Schedule = Schedule(learning_rate=5e-3)
    seed: int = 0
    features_: Features = learned()
    network_: dict[str, np.ndarray] = learned("*")
    tasks_: tuple[str, ...] = learned()
    task_vectors_: np.ndarray = learned("t d")
    vectors_: np.ndarray = learned("s d")
    task_of_: np.ndarray = learned("s")  # a row of task_vectors_
    scores_: np.ndarray = learned("s m", unknown=True)
    usd_: np.ndarray = learned("s m", unknown=True)  # cost of the calls

    def _fit(self, observed: Observations) -> None:
        from rl_router.routers.networks.hidden_edges import hidden_edge_loss
        from rl_router.routers.networks.training import numbers, tensors, train

        self.features_ = dense_features(self.features, observed.texts)
        vectors = self.features_(observed.texts)
        self.tasks_ = tuple(sorted({query.task for query in observed.queries}))
        task_of = np.array([self.tasks_.index(query.task) for query in observed.queries])
        self.task_vectors_ = np.stack([vectors[task_of == t].mean(axis=0) for t in range(len(self.tasks_))])
        network = tensors(self._new_network(vectors.shape[1]))
        loss = hidden_edge_loss(
            network, vectors=vectors, task_of=task_of, task_vectors=self.task_vectors_, scores=observed.scores,
            costs_usd=observed.costs_usd, support=self.support, seed=self.seed,
        )  # fmt: skip
        batch_size = min(self.training.batch_size, max(1, len(vectors) // 4))  # most of a small table stays visible
        train(network, loss, len(vectors), replace(self.training, batch_size=batch_size), self.seed, "graphrouter")
        self.network_ = numbers(network)
        kept = np.sort(np.random.default_rng(self.seed).permutation(len(vectors))[: self.support])
        self.vectors_, self.task_of_ = vectors[kept], task_of[kept]
        self.scores_, self.usd_ = observed.scores[kept], observed.costs_usd[kept]

    def with_models(self, table: RoutingTable) -> GraphRouter:
        """A router that also knows the models of `table`, from their answers there and without training.

        Answers of models that are known already are more edges for them. Raises DataError as `fit` does.
        """
        self._check_fitted()
        observed = Observations.of(table)
        vectors = self.features_(observed.texts)
        known = list(self.models_)
        new = [model for model in observed.models if model not in self.models_]
        columns = np.argsort(known + new)  # the columns of a router are sorted by name
        joined = self.copied()
        joined.models_ = tuple(sorted(known + new))
        added = [observed.models.index(model) for model in new]
        joined.mean_scores_ = np.concatenate([self.mean_scores_, observed.mean_scores[added]])[columns]
        costs = np.concatenate([self.mean_costs_usd_, observed.mean_costs_usd[added]])
        joined.mean_costs_usd_ = costs[columns]
        joined.cost_model_ = joined_costs(self.cost_model_, CostModel().fit(observed), added, columns)
        joined.vectors_ = np.concatenate([self.vectors_, vectors])
        joined.task_of_ = np.concatenate([self.task_of_, self._tasks_of(observed.queries, vectors)])
        for name, more in (("scores_", observed.scores), ("usd_", observed.costs_usd)):
            setattr(joined, name, _stacked(getattr(self, name), more, self.models_, observed.models, joined.models_))
        return joined

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        vectors = self.features_([query.text for query in queries])
        tasks_of = np.eye(len(self.tasks_))[self._tasks_of(queries, vectors)]
        return sigmoid(logits(self._network, vectors, tasks_of, *self._node_states))

    def _tasks_of(self, queries: Sequence[Query], vectors: np.ndarray) -> np.ndarray:
        """[n] the task of each query, or the one that is nearest to its vector [n, d]."""
        nearest = (vectors @ unit(self.task_vectors_).T).argmax(axis=1)
        known = {task: t for t, task in enumerate(self.tasks_)}
        return np.array([known.get(query.task, t) for query, t in zip(queries, nearest, strict=True)])

    @cached_property
    def _node_states(self) -> tuple[Any, list[Any]]:
        graph = Graph(
            vectors=self.vectors_,
            tasks_of=np.eye(len(self.tasks_))[self.task_of_],
            task_vectors=self.task_vectors_,
            calls=call_edges(self.scores_, self.usd_),
        )
        return node_states(self._network, graph)

    @cached_property
    def _network(self) -> Arrays:
        return as_float64(self.network_)

    def _new_network(self, dim: int) -> dict[str, np.ndarray]:
        return new_network(dim, self.width, np.random.default_rng(self.seed))

    def _restored(self) -> None:
        check_shapes(self.network_, self._new_network(self.features_.size))
        if len(self.tasks_) != len(self.task_vectors_) or self.vectors_.shape[1] != self.features_.size:
            raise ValueError("the graph does not fit the tasks or the text features")
        if not np.isin(self.task_of_, np.arange(len(self.tasks_))).all():
            raise ValueError("a query of the graph belongs to no task")


def _stacked(
    mine: np.ndarray, theirs: np.ndarray, my_models: Sequence[str], their_models: Sequence[str], models: Sequence[str]
) -> np.ndarray:
    """Both matrices, one above the other, under the columns `models`; NaN where a model has no value."""
    found = np.full((len(mine) + len(theirs), len(models)), np.nan)
    found[: len(mine), [models.index(model) for model in my_models]] = mine
    found[len(mine) :, [models.index(model) for model in their_models]] = theirs
    return found
