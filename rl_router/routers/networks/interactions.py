"""The network of PersonalizedRouter as pure functions: messages between those who asked and the models they rated.

n questions that somebody asked, u users, m models. Whoever asks is three nodes in one: their task, their question and
themselves. An edge to a model carries by how much its answer was liked better than its answers are on average. Models
hear from who asked, and users from the models, along the edges and twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_router.routers.networks.graph import set_apart
from rl_router.routers.networks.layers import Arrays, dense, new_dense, relu

ROUNDS = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Interactions:
    """Rated questions, as numpy arrays or as torch tensors; of numpy's, `asked_by` may be a sparse matrix."""

    vectors: Any  # [n, d] of the questions
    tasks: Any  # [n, d] of their tasks
    asked_by: Any  # [n, u] 1 for whoever asked; a row of zeros for nobody
    liked: Any  # [n, m] rating less the model's mean, 0 where there is none
    rated: Any  # [n, m] 1 where there is a rating, else 0


def edges(scores: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(liked, rated), both [n, m], from ratings [n, m] of which NaN is none, and the models' means [m]."""
    rated = ~np.isnan(scores)
    return np.where(rated, np.nan_to_num(scores) - means, 0.0), rated.astype(np.float64)


def new_network(d: int, m: int, width: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    network = {"models": rng.normal(0.0, 1.0, (m, width)).astype(np.float32)}
    network |= new_dense("query", d, width, rng) | new_dense("task", d, width, rng) | new_dense("level", width, 1, rng)
    for number in ROUNDS:
        for message in ("model.self", "model.heard", "user.self", "user.heard"):
            network |= new_dense(f"{number}.{message}", width, width, rng)
        for message in ("user.self", "user.heard"):
            del network[f"{number}.{message}.bias"]  # who has heard nothing is nobody in particular
    network["shrink"] = np.array([1.0], np.float32)
    return network


def questions(network: Arrays, vectors: Any, tasks: Any) -> Any:
    """[n, w] who asks, without the user: question and task vectors [n, d]."""
    return relu(dense(network, "query", vectors) + dense(network, "task", tasks))


def model_states(network: Arrays, seen: Interactions) -> list[Any]:
    """The models' states [m, w], before the first round and after each."""
    asks = questions(network, seen.vectors, seen.tasks)
    of_model = seen.rated.sum(0)[:, None].clip(min=1)  # [m, 1]
    counts = user_counts(seen)
    states, users = [network["models"]], None
    for number in ROUNDS:
        who = asks if users is None else asks + seen.asked_by @ users
        heard = dense(network, f"{number}.model.heard", set_apart(seen.liked.T @ who / of_model))
        users = _next_users(network, number, users, user_sums(seen, states[-1]), counts)
        states.append(relu(dense(network, f"{number}.model.self", states[-1]) + heard))
    return states


def user_sums(seen: Interactions, models: Any) -> Any:
    """[u, w] what each user is told by models in the states [m, w]; more edges of a user add to it."""
    return seen.asked_by.T @ (seen.liked @ models)


def user_counts(seen: Interactions) -> Any:
    """[u, 1] ratings of each."""
    return seen.asked_by.T @ seen.rated.sum(1)[:, None]


def user_states(network: Arrays, sums: list[Any], counts: Any) -> Any:
    """[u, w] from the sums [u, w] of every round and the counts [u, 1]: zeros without ratings."""
    users = None
    for number, told in zip(ROUNDS, sums, strict=True):
        users = _next_users(network, number, users, told, counts)
    return users


def logits(network: Arrays, who: Any, models: Any) -> Any:
    """[n, m] how whoever asks [n, w], the sum of question and user, likes models in their last states [m, w]."""
    return who @ models.T / models.shape[1] ** 0.5 + dense(network, "level", models).T


def _next_users(network: Arrays, number: int, users: Any, told: Any, counts: Any) -> Any:
    shrink = network["shrink"] * network["shrink"] + 0.5
    heard = (told / (counts + shrink)) @ network[f"{number}.user.heard.weight"]
    return heard if users is None else heard + users @ network[f"{number}.user.self.weight"]
