"""The rows that nobody can leave out: chance, single models, a table of tasks, and the oracle that no router can pass.

What is picked is picked on the fit side by recorded quality and recorded money, then judged on the test side. kNN, the
seventh, is a registered router like any other (see `entrants`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import numpy as np

from rl_router.evaluation.metrics.oracle import oracle_choices
from rl_router.evaluation.metrics.selection import known_mean
from rl_router.evaluation.suite.arena import Arena
from rl_router.evaluation.suite.played import Choices

Weights = Sequence[float]


def random(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """Any model, each as likely, by a hash of the seed and the query's id."""
    drawn = [_uniform(f"{seed}|{arena.test.queries[i].query_id}") for i in rows]
    return Choices(cost_weights=(None,), columns=np.floor(np.array([drawn]) * len(arena.models)).astype(int))


def cheapest(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """The model of the lowest mean cost on the fit side."""
    return _fixed(int(np.nanargmin(arena.fit.mean_cost_usd)), rows)


def strongest(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """The model of the highest mean quality on the fit side."""
    return _fixed(arena.strongest, rows)


def best_single(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """At each cost weight the model of the highest mean utility on the fit side."""
    best = [_best(known_mean(arena.utility(arena.fit, weight), axis=0)[None]) for weight in cost_weights]
    return Choices(cost_weights=tuple(cost_weights), columns=np.repeat(np.array(best), len(rows), axis=1))


def best_per_task(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """At each cost weight and task the model of the highest mean utility on the fit side; `best_single` for a task
    that the fit side does not have, or in which nothing was graded."""
    asked = [arena.test.queries[i].task for i in rows]
    columns = []
    for weight in cost_weights:
        utility = arena.utility(arena.fit, weight)
        single = int(_best(known_mean(utility, axis=0)[None])[0])
        of_task = dict.fromkeys(arena.test.tasks, single)
        for place, task in enumerate(arena.fit.tasks):
            means = known_mean(utility[arena.fit.task_of == place], axis=0)
            of_task[task] = single if np.isnan(means).all() else int(_best(means[None])[0])
        columns.append([of_task[task] for task in asked])
    return Choices(cost_weights=tuple(cost_weights), columns=np.array(columns))


def prompt_length(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """Of two models the strong one for prompts longer than the fit side's median: the mark of RouteLLM's metrics."""
    lengths = np.array([float(len(arena.test.queries[i].text)) for i in rows])
    median = np.median([len(query.text) for query in arena.fit.queries])
    columns = np.where(lengths > median, arena.strongest, 1 - arena.strongest)
    return Choices(cost_weights=(None,), columns=columns[None], lead=lengths)


def oracle(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """At each cost weight the model that turned out to have the highest utility; of equals, the cheapest."""
    costs = arena.test.cost_usd[rows]
    columns = [oracle_choices(arena.utility(arena.test, weight)[rows], costs) for weight in cost_weights]
    return Choices(cost_weights=tuple(cost_weights), columns=np.array(columns))


Reference = Callable[[Arena, Weights, int, np.ndarray], Choices]
REFERENCES: dict[str, Reference] = {
    "random": random,
    "cheapest": cheapest,
    "strongest": strongest,
    "best_single": best_single,
    "best_per_task": best_per_task,
    "prompt_length": prompt_length,
    "oracle": oracle,
}
SEEDED = ("random",)
"""Chance by construction: another seed is another row."""


def _fixed(column: int, rows: np.ndarray) -> Choices:
    return Choices(cost_weights=(None,), columns=np.full((1, len(rows)), column))


def _best(means: np.ndarray) -> np.ndarray:
    """[g] the highest of [g, m], NaN never; of equals, the first."""
    return np.where(np.isnan(means), -np.inf, means).argmax(axis=1)


def _uniform(words: str) -> float:
    """A number in [0, 1) that only the words decide."""
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest(), "big") / 2**64
