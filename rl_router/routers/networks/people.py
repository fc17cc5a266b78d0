"""The network of GMTRouter as pure functions: messages from answers through turns and sessions to users and models.

n answers that were rated, u users, m models. An answer's message is what a user of the answer's kind is told by being
more pleased with it than people are on average; a user is the sum of the messages of their answers, shrunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_router.routers.networks.layers import Arrays, dense, new_dense, relu


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Rated answers; all rows belong together."""

    queries: Any  # [n, d]
    shapes: Any  # [n, k] of the answers
    models: Any  # [n] columns
    ratings: Any  # [n] in 0..1

    def take(self, rows: Any) -> Answers:
        return Answers(
            queries=self.queries[rows], shapes=self.shapes[rows], models=self.models[rows], ratings=self.ratings[rows]
        )


def new_network(d: int, k: int, states: int, width: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """`states` is the length of a model's state."""
    network: dict[str, np.ndarray] = {}
    network |= new_dense("query", d, width, rng) | new_dense("model", states, width, rng)
    network |= new_dense("answer", k, width, rng)
    network |= new_dense("told", width, width, rng) | new_dense("asked", width, width, rng)
    network |= new_dense("level", states, 1, rng)
    network["level.weight"] *= 0.0
    network["told.weight"] *= 0.5
    network["shrink"] = np.array([1.0], np.float32)
    return network


def base_logits(network: Arrays, queries: Any, states: Any) -> Any:
    """[q, m] how anybody likes each model's answers: queries [q, d] and model states [m, s]."""
    reads, models = dense(network, "query", queries), dense(network, "model", states)
    return reads @ models.T / models.shape[1] ** 0.5 + dense(network, "level", states).T


def answer_logits(network: Arrays, answers: Answers, states: Any, people: Any = None) -> Any:
    """[n] how each answer's model is liked for its query: by anybody, or by `people` [n, w], who each read one."""
    reads, models = dense(network, "query", answers.queries), dense(network, "model", states)[answers.models]
    logits = (reads * models).sum(-1) / models.shape[1] ** 0.5 + dense(network, "level", states)[answers.models, 0]
    if people is None:
        return logits
    return logits + (dense(network, "asked", relu(reads + models)) * people).sum(-1)


def messages(network: Arrays, answers: Answers, states: Any, expected: Any) -> Any:
    """[n, w] what each answer tells of its user: how much better it was liked than `expected` [n], times its kind."""
    kind = relu(
        dense(network, "query", answers.queries)
        + dense(network, "model", states)[answers.models]
        + dense(network, "answer", answers.shapes)
    )
    return (answers.ratings - expected)[:, None] * dense(network, "told", kind)


def user_states(network: Arrays, sums: Any, counts: Any) -> Any:
    """[u, w] from sums of messages [u, w] over `counts` [u] answers: none is known to be nobody in particular."""
    shrink = network["shrink"] * network["shrink"] + 0.5
    return sums / (counts[:, None] + shrink)


def personal_logits(network: Arrays, users: Any, queries: Any, states: Any) -> Any:
    """[q, m] what the user of each query [q, w] likes more than others do, by the kind of answer that a model gives."""
    kind = relu(dense(network, "query", queries)[:, None] + dense(network, "model", states)[None])  # [q, m, w]
    return (dense(network, "asked", kind) * users[:, None]).sum(-1)
