"""The rows that nobody can leave out: chance, single models, a table of tasks, and the oracle that no router can pass.

What is picked is picked on the fit side by recorded quality and recorded money, then judged on the test side; for each
query among the models that can take what it holds beside text. kNN, the seventh, is a registered router like any other
(see `entrants`).
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
UNKNOWN = -1e9
"""In place of a utility that is not known: worse than any that is, and better than a model that cannot be asked."""


def random(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """Any model, each as likely, by a hash of the seed and the query's id."""
    drawn = np.array([_uniform(f"{seed}|{arena.test.queries[i].query_id}") for i in rows])
    able = arena.able(rows)
    place = np.floor(drawn * able.sum(axis=1)).astype(int)
    columns = (np.cumsum(able, axis=1) > place[:, None]).argmax(axis=1)  # of those that are able, the one at its place
    return Choices(cost_weights=(None,), columns=columns[None])


def cheapest(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """The model of the lowest mean cost on the fit side."""
    return Choices(cost_weights=(None,), columns=_best(-arena.fit.mean_cost_usd, arena.able(rows))[None])


def strongest(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """The model of the highest mean quality on the fit side."""
    return Choices(cost_weights=(None,), columns=_best(arena.fit.mean_quality, arena.able(rows))[None])


def best_single(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """At each cost weight the model of the highest mean utility on the fit side."""
    able = arena.able(rows)
    best = [_best(known_mean(arena.utility(arena.fit, weight), axis=0), able) for weight in cost_weights]
    return Choices(cost_weights=tuple(cost_weights), columns=np.array(best))


def best_per_task(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """At each cost weight and task the model of the highest mean utility on the fit side; `best_single` for a task
    that the fit side does not have, or in which nothing was graded."""
    asked = [arena.test.queries[i].task for i in rows]
    able, columns = arena.able(rows), []
    for weight in cost_weights:
        utility = arena.utility(arena.fit, weight)
        single = known_mean(utility, axis=0)
        of_task = dict.fromkeys(arena.test.tasks, single)
        for place, task in enumerate(arena.fit.tasks):
            means = known_mean(utility[arena.fit.task_of == place], axis=0)
            of_task[task] = single if np.isnan(means).all() else means
        columns.append(_best(np.array([of_task[task] for task in asked]), able))
    return Choices(cost_weights=tuple(cost_weights), columns=np.array(columns))


def prompt_length(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """Of two models the strong one for prompts longer than the fit side's median: the mark of RouteLLM's metrics."""
    lengths = np.array([float(len(arena.test.queries[i].text)) for i in rows])
    median = np.median([len(query.text) for query in arena.fit.queries])
    wanted = np.where(lengths > median, arena.strongest, 1 - arena.strongest)
    columns = _best((np.arange(2) == wanted[:, None]).astype(float), arena.able(rows))
    return Choices(cost_weights=(None,), columns=columns[None], lead=lengths)


def oracle(arena: Arena, cost_weights: Weights, seed: int, rows: np.ndarray) -> Choices:
    """At each cost weight the model that turned out to have the highest utility; of equals, the cheapest."""
    able, columns = arena.able(rows), []
    costs = np.where(able, arena.test.cost_usd[rows], np.nan)
    for weight in cost_weights:
        utility = arena.utility(arena.test, weight)[rows]
        known = np.where(np.isnan(utility), UNKNOWN, utility)
        columns.append(oracle_choices(np.where(able, known, -np.inf), costs))
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


def _best(worth: np.ndarray, able: np.ndarray) -> np.ndarray:
    """[n] the highest of [m] or [n, m] among those that are `able` [n, m]; one that is known before one that is not,
    and of equals the first."""
    known = np.where(np.isnan(worth), UNKNOWN, worth)
    return np.where(able, known, -np.inf).argmax(axis=1)


def _uniform(words: str) -> float:
    """A number in [0, 1) that only the words decide."""
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest(), "big") / 2**64
