"""GMTRouter: the same question goes to different models for different people, read off a few answers they rated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field

from rl_router.data.answer_shape import SHAPES, answer_shapes
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.routers.cost_model import CostModel, joined_costs
from rl_router.routers.features import Features
from rl_router.routers.learned import learned
from rl_router.routers.networks.inputs import check_shapes, dense_features
from rl_router.routers.networks.layers import Arrays, as_float64, log_odds, sigmoid
from rl_router.routers.networks.people import (
    Answers,
    answer_logits,
    base_logits,
    messages,
    new_network,
    personal_logits,
    user_states,
)
from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.routers.users import added_up, users_in, users_of
from rl_router.types import Query

STATE = len(SHAPES) + 1
"""What is known of a model: the mean shape of its answers and, as log odds, how well they are liked."""
BLOCK = 65_536
"""Answers whose messages are computed at a time."""


@dataclass(kw_only=True)
class GmtRouter(Router):
    """score_j(u, q) = sigmoid(base_j(q) + h_u · kind(q, s_j)),   h_u = Σ_i (r_i − base(q_i)) told(kind_i) / (n_u + κ)

    After GMTRouter (arXiv 2511.08590): users, queries, responses, models and sessions are a graph; an answer sends a
    message through its turn to its user and its model, preferences are predicted from both, and the network learns on
    users of whom it is shown a few turns. Here a message is weighed by how much better the answer was liked than
    anybody's would be; sessions of a user are added up. The kind of an answer is its query, its model's state and its
    shape; a model's state s_j is the mean over its answers, so that users and models join by `joined(table)` untrained.
    A user of whom nothing is known has h_u = 0 and is served as anybody.
    """

    kind: Literal["gmtrouter"] = "gmtrouter"
    features: str = "lsa:32"
    width: Annotated[int, Field(ge=2)] = 48
    most_shown: Annotated[int, Field(ge=1)] = 16
    """Turns of a user that are shown at most while it learns."""
    training: Schedule = Schedule(learning_rate=5e-3, batch_size=32, max_epochs=120, patience=15, validation_share=0.15)
    seed: int = 0
    features_: Features = learned()
    network_: dict[str, np.ndarray] = learned("*")
    scale_: np.ndarray = learned("2 k")  # mean and standard deviation of the shapes
    states_: np.ndarray = learned("m s")
    users_: tuple[str, ...] = learned()
    sums_: np.ndarray = learned("u w")  # of messages
    counts_: np.ndarray = learned("u")  # of answers

    def _fit(self, observed: Observations) -> None:
        from rl_router.routers.networks.few_answers import few_answers_loss
        from rl_router.routers.networks.training import numbers, tensors, train, values

        self.features_ = dense_features(self.features, observed.texts)
        shapes = _shapes_of(observed)
        known = shapes[~np.isnan(shapes).any(axis=-1)]
        mean, spread = (known.mean(axis=0), known.std(axis=0)) if len(known) else (np.zeros(8), np.ones(8))
        self.scale_ = np.stack([mean, np.where(spread > 0, spread, 1.0)])
        answers, users, turns = self._answers(observed)
        self.states_ = _model_states(answers, len(observed.models))
        everyone, whose = users_in(observed)
        whose = np.where(whose < 0, len(everyone), whose)[turns]  # nobody is one more user to learn from
        present, whose = np.unique(whose, return_inverse=True)
        network = tensors(self._new_network())
        read = Answers(
            queries=values(answers.queries),
            shapes=values(answers.shapes),
            models=values(answers.models).long(),
            ratings=values(answers.ratings),
        )
        loss = few_answers_loss(
            network, read, states=values(self.states_), users=whose, turns=turns, most=self.most_shown, seed=self.seed
        )
        train(network, loss, len(present), self.training, self.seed, "gmtrouter")
        self.network_ = numbers(network)
        self.users_, self.sums_, self.counts_ = (), np.zeros((0, self.width)), np.zeros(0)
        self._remember(observed)

    def joined(self, table: RoutingTable) -> Self:
        """A router that also knows the users and the models of `table`, by their rated answers and without training.

        More answers of a user who is known already are added to theirs. DataError as `fit`.
        """
        self._check_fitted()
        observed = Observations.of(table)
        other = self.copied()
        new = [model for model in observed.models if model not in self.models_]
        if new:
            other._admit(observed, new)
        other._remember(observed)
        return other

    def _admit(self, observed: Observations, new: list[str]) -> None:
        """Columns for models that are new."""
        added = [observed.models.index(model) for model in new]
        columns = np.argsort([*self.models_, *new])
        answers, _, _ = self._answers(observed, observed.models)
        states = _model_states(answers, len(observed.models))[added]
        self.states_ = np.concatenate([self.states_, states])[columns]
        self.mean_scores_ = np.concatenate([self.mean_scores_, observed.mean_scores[added]])[columns]
        costs = np.concatenate([self.mean_costs_usd_, observed.mean_costs_usd[added]])
        self.mean_costs_usd_ = costs[columns]
        self.cost_model_ = joined_costs(self.cost_model_, CostModel().fit(observed), added, columns)
        self.models_ = tuple(sorted([*self.models_, *new]))

    def _remember(self, observed: Observations) -> None:
        """Add what the rated answers tell of their users."""
        answers, _, turns = self._answers(observed)
        everyone, whose = users_in(observed)
        rows = np.flatnonzero(whose[turns] >= 0)
        told = self._told(answers.take(rows))
        sums, counts = np.zeros((len(everyone), self.width)), np.zeros(len(everyone))
        np.add.at(sums, whose[turns[rows]], told)
        np.add.at(counts, whose[turns[rows]], 1.0)
        self.users_, (self.sums_, self.counts_) = added_up(
            self.users_, (self.sums_, self.counts_), everyone, (sums, counts)
        )

    def _told(self, answers: Answers) -> np.ndarray:
        """[n, w]"""
        network, told = as_float64(self.network_), np.zeros((len(answers.ratings), self.width))
        for start in range(0, len(told), BLOCK):
            part = answers.take(slice(start, start + BLOCK))
            expected = sigmoid(answer_logits(network, part, self.states_))
            told[start : start + BLOCK] = messages(network, part, self.states_, expected)
        return told

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        vectors = np.asarray(self.features_([query.text for query in queries]), np.float64)
        place = users_of(queries, self.users_)
        people = np.where(place[:, None] >= 0, self._people[place], 0.0) if self.users_ else None
        logits = base_logits(self._network, vectors, self.states_)
        if people is not None:
            logits = logits + personal_logits(self._network, people, vectors, self.states_)
        return sigmoid(logits)

    def _answers(
        self, observed: Observations, models: Sequence[str] | None = None
    ) -> tuple[Answers, np.ndarray, np.ndarray]:
        """(every rated answer, the row of its user in the table's order, the row of its turn)."""
        models = self.models_ if models is None else models
        columns = np.array([models.index(model) for model in observed.models])
        turns, given = np.nonzero(~np.isnan(observed.scores))
        vectors = np.asarray(self.features_(observed.texts), np.float64)
        shapes = _shapes_of(observed)[turns, given]
        shapes = np.nan_to_num((shapes - self.scale_[0]) / self.scale_[1])  # an unknown answer is as answers are
        answers = Answers(
            queries=vectors[turns], shapes=shapes, models=columns[given], ratings=observed.scores[turns, given]
        )
        return answers, turns, turns

    @cached_property
    def _network(self) -> Arrays:
        return as_float64(self.network_)

    @cached_property
    def _people(self) -> Any:
        return user_states(self._network, self.sums_, self.counts_)

    def _new_network(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        return new_network(self.features_.size, len(SHAPES), STATE, self.width, rng)

    def _restored(self) -> None:
        check_shapes(self.network_, self._new_network())
        if self.states_.shape[1] != STATE or self.scale_.shape[1] != len(SHAPES):
            raise ValueError("the states of the models do not fit the network")
        if len(self.users_) != len(self.sums_) or len(set(self.users_)) != len(self.users_):
            raise ValueError("the users do not fit what is known of them")
        if self.sums_.shape[1] != self.width:
            raise ValueError("what is known of the users does not fit the network")


def _shapes_of(observed: Observations) -> np.ndarray:
    """[n, m, 8] of every answer, NaN where there is none."""
    shapes = np.full((*observed.scores.shape, len(SHAPES)), np.nan)
    rows = {query.query_id: i for i, query in enumerate(observed.queries)}
    columns = {model: j for j, model in enumerate(observed.models)}
    answered = observed.table.frame.filter(pl.col("response").is_not_null() & pl.col("query_id").is_in(list(rows)))
    i = [rows[query_id] for query_id in answered["query_id"]]
    j = [columns[model] for model in answered["model"]]
    shapes[i, j] = answer_shapes(answered["response"].to_list())
    return shapes


def _model_states(answers: Answers, m: int) -> np.ndarray:
    """[m, s] a model without answers is as all are."""
    if not len(answers.ratings):
        raise DataError("No answer of the table is rated.")
    states = np.zeros((m, STATE))
    everybody = np.append(answers.shapes.mean(axis=0), log_odds(answers.ratings.mean()))
    for j in range(m):
        mine = answers.models == j
        states[j] = everybody
        if mine.any():
            states[j] = np.append(answers.shapes[mine].mean(axis=0), log_odds(answers.ratings[mine].mean()))
    return states
