"""PersonalizedRouter: users, tasks, questions and models are a graph, and what a user will like is an edge of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from rl_router.data.table import RoutingTable
from rl_router.routers.features import Features
from rl_router.routers.learned import learned
from rl_router.routers.networks.inputs import check_shapes, dense_features
from rl_router.routers.networks.interactions import (
    ROUNDS,
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
from rl_router.routers.networks.layers import Arrays, as_float64, sigmoid
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.routers.task_reader import TaskReader
from rl_router.routers.users import added_up, check_known, users_in, users_of
from rl_router.types import Query


@dataclass(kw_only=True)
class PersonalizedRouter(Router):
    """score_j(u, t, q) = sigmoid((h_t + h_q + h_u) · h_j / √w + level(h_j)), h after two rounds of messages.

    After PersonalizedRouter (arXiv 2511.16883): who asks, a task, a question and a user at once, and the models are
    nodes, what came of an interaction is its edge, half of the edges are hidden and predicted by a dot product of the
    two ends. Here it departs from the paper in four things. A user has no one-hot vector to learn weights for, but is
    the mean of what the models that they rated tell, shrunk, so that new users join by `joined(table)` untrained. A
    model starts from numbers of its own instead of from its description, which tables do not have, and there are no
    edges between models of one family. An edge is predicted as the rating, not as whether it was the best. Costs are
    no part of a taste: they are left to the cost weight.
    """

    kind: Literal["personalizedrouter"] = "personalizedrouter"
    features: str = "lsa:32"
    width: Annotated[int, Field(ge=2)] = 32
    training: Schedule = Schedule(
        learning_rate=5e-3, batch_size=32, max_epochs=80, patience=10, weight_decay=0.1, validation_share=0.15
    )
    seed: int = 0
    features_: Features = learned()
    tasks_: TaskReader = learned()
    task_vectors_: np.ndarray = learned("t d")
    network_: dict[str, np.ndarray] = learned("*")
    states_: np.ndarray = learned("r m w")  # of the models, before the first round and after each
    users_: tuple[str, ...] = learned()
    sums_: np.ndarray = learned("u v")  # what users were told, round by round
    counts_: np.ndarray = learned("u")  # of ratings

    def _fit(self, observed: Observations) -> None:
        from rl_router.routers.networks.hidden_ratings import HiddenRatings
        from rl_router.routers.networks.training import numbers, tensors, train

        self.features_ = dense_features(self.features, observed.texts)
        vectors = self._vectors(observed.texts)
        self.tasks_ = TaskReader().fit(vectors, observed.queries)
        members = self.tasks_.members(observed.queries)  # [n, t]
        self.task_vectors_ = members.T @ vectors / members.sum(axis=0)[:, None]
        hidden = HiddenRatings(
            vectors=vectors, tasks=members @ self.task_vectors_, scores=observed.scores,
            whose=users_in(observed)[1], seed=self.seed,
        )  # fmt: skip
        network = tensors(self._new_network())
        train(network, hidden.loss(network), len(hidden.groups), self.training, self.seed, self.kind)
        self.network_ = numbers(network)
        names, seen = self._interactions(observed)
        self.states_ = np.stack(model_states(as_float64(self.network_), seen))
        self.users_, (self.sums_, self.counts_) = names, self._told(seen)

    def joined(self, table: RoutingTable) -> Self:
        """A router that also knows the ratings of `table`, without training. UnknownModelError for a new model."""
        self._check_fitted()
        observed = Observations.of(table)
        check_known(observed, self.models_)
        other = self.copied()
        names, seen = self._interactions(observed)
        other.users_, (other.sums_, other.counts_) = added_up(
            self.users_, (self.sums_, self.counts_), names, self._told(seen)
        )
        return other

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        vectors = self._vectors([query.text for query in queries])
        tasks = self.tasks_.named_or_read(queries, vectors) @ self.task_vectors_
        who, place = questions(self._network, vectors, tasks), users_of(queries, self.users_)
        if self.users_:
            who = who + np.where(place[:, None] >= 0, self._users[place], 0.0)
        return sigmoid(logits(self._network, who, self.states_[-1]))

    def _interactions(self, observed: Observations) -> tuple[tuple[str, ...], Interactions]:
        """(users, who asked what and liked which)."""
        names, whose = users_in(observed)
        scores = np.full((len(whose), len(self.models_)), np.nan)
        scores[:, [self.models_.index(model) for model in observed.models]] = observed.scores
        liked, rated = edges(scores, self.mean_scores_)
        rows, vectors = np.flatnonzero(whose >= 0), self._vectors(observed.texts)
        asked_by = sparse.csr_array((np.ones(len(rows)), (rows, whose[rows])), shape=(len(whose), len(names)))
        tasks = self.tasks_.named_or_read(observed.queries, vectors) @ self.task_vectors_
        return names, Interactions(vectors=vectors, tasks=tasks, asked_by=asked_by, liked=liked, rated=rated)

    def _told(self, seen: Interactions) -> tuple[np.ndarray, np.ndarray]:
        """([u, rounds · w], [u])"""
        sums = [user_sums(seen, self.states_[number - 1]) for number in ROUNDS]
        return np.hstack(sums), user_counts(seen)[:, 0]

    def _vectors(self, texts: Sequence[str]) -> np.ndarray:
        return np.asarray(self.features_(texts), np.float64)

    @cached_property
    def _network(self) -> Arrays:
        return as_float64(self.network_)

    @cached_property
    def _users(self) -> Any:
        return user_states(self._network, np.hsplit(self.sums_, len(ROUNDS)), self.counts_[:, None])

    def _new_network(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        return new_network(self.features_.size, len(self.models_), self.width, rng)

    def _restored(self) -> None:
        check_shapes(self.network_, self._new_network())
        if self.states_.shape[::2] != (len(ROUNDS) + 1, self.width):
            raise ValueError("the states of the models do not fit the network")
        if self.task_vectors_.shape != (len(self.tasks_.tasks_), self.features_.size):
            raise ValueError("the tasks do not fit the text features")
        if len(set(self.users_)) != len(self.sums_) or len(self.users_) != len(self.sums_):
            raise ValueError("the users do not fit what is known of them")
        if self.sums_.shape[1] != len(ROUNDS) * self.width:
            raise ValueError("what is known of the users does not fit the network")
