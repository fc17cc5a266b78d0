"""What a router must beat: one fixed model, chance, and the best tables; and what it cannot beat, the oracle.

`best_single` is the best one model at each cost weight: what a single call earns without reading the query.
`best_table` is the best fixed strategy for each (task, difficulty) at one cost weight, told nothing of a query but its
cell. Both are fitted on training queries. `best_table_blind` is the one table that is best on average over all the cost
weights: what a dial can add is the difference between the two. `oracle` sees every reply beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from statistics import fmean
from typing import Any

import numpy as np

from rl_router.episode.rewards import Reward
from rl_router.episode.task import Task
from rl_router.errors import DataError
from rl_router.evaluation.run.results import Outcome, Row, summarise
from rl_router.evaluation.run.strategies import Strategy, Trial, play, strategies
from rl_router.types import Query

COST_WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0)

Cell = tuple[str, int]
"""(task, difficulty): all that a table knows of a query."""
Table = dict[Cell, Strategy]


def cell_of(query: Query) -> Cell:
    return query.task, query.difficulty


def reference_outcomes(
    task: Task,
    reward: Reward,
    queries: Sequence[Query],
    cost_weight: float,
    fit_queries: Sequence[Query],
    cost_weights: Sequence[float] = COST_WEIGHTS,
) -> dict[str, list[Outcome]]:
    """Outcomes of every baseline at one cost weight. For several, keep one `Baselines`: it plays only once."""
    return Baselines(task, queries, fit_queries).outcomes(reward, cost_weight, cost_weights)


def reference_rows(
    task: Task,
    reward: Reward,
    cost_weights: Sequence[float] = COST_WEIGHTS,
    queries: Sequence[Query] | None = None,
    fit_queries: Sequence[Query] | None = None,
) -> list[Row]:
    """A row per baseline and cost weight: fitted on the training queries, scored on the test queries."""
    baselines = Baselines(task, queries or task.test, fit_queries or task.train)
    return [
        summarise(router, weight, outcomes)
        for weight in cost_weights
        for router, outcomes in baselines.outcomes(reward, weight, cost_weights).items()
    ]


def dial_gap(rows: Iterable[Row]) -> float:
    """How much reward the tables that know the cost weight earn beyond the one that does not, on average over it."""
    by_router: dict[str, list[float]] = {"best_table": [], "best_table_blind": []}
    for row in rows:
        if row.router in by_router:
            by_router[row.router].append(row.reward)
    return fmean(by_router["best_table"]) - fmean(by_router["best_table_blind"])


class Baselines:
    """Plays every strategy once on `queries` and on `fit_queries`; a reward and a cost weight then only price them."""

    def __init__(self, task: Task, queries: Sequence[Query], fit_queries: Sequence[Query]) -> None:
        if not queries or not fit_queries:
            raise DataError("Baselines need at least one query to score and one to fit on.")
        self.task = task
        self.queries, self.fit_queries = tuple(queries), tuple(fit_queries)
        examples = {cell_of(q): q for q in (*queries, *fit_queries)}
        self.candidates = {cell: strategies(task, query) for cell, query in examples.items()}
        self.singles = [Strategy((name,)) for name in task.pool.names]
        self._trials = [play(task, q, self.candidates[cell_of(q)]) for q in self.queries]
        self._fit_trials = [play(task, q, self.candidates[cell_of(q)]) for q in self.fit_queries]
        self._worth_of: dict[tuple[Reward, float], dict[Cell, np.ndarray]] = {}
        self.cheapest = self._best_single(lambda trial: -trial.cost_usd)
        self.strongest = self._best_single(lambda trial: trial.quality)

    def outcomes(
        self, reward: Reward, cost_weight: float, cost_weights: Sequence[float] = COST_WEIGHTS
    ) -> dict[str, list[Outcome]]:
        """One outcome per query and baseline. `cost_weights` are those that the blind table is fitted over."""
        names = self.task.pool.names
        single = self.best_single(reward, (cost_weight,))
        table = self.table(reward, (cost_weight,))
        blind = self.table(reward, cost_weights)
        rules: dict[str, Callable[[Query], Strategy]] = {
            "cheapest": lambda query: self.cheapest,
            "strongest": lambda query: self.strongest,
            "random": lambda query: Strategy((Random(query.query_id).choice(names),)),
            "best_single": lambda query: single,
            "best_table_blind": lambda query: blind[cell_of(query)],
            "best_table": lambda query: table[cell_of(query)],
        }
        found = {name: self._follow(rule, reward, cost_weight) for name, rule in rules.items()}
        return found | {"oracle": self._oracle(reward, cost_weight)}

    def always(self, strategy: Strategy) -> list[Outcome]:
        """One strategy on every query, judged by no reward."""
        found = []
        for query, trials in zip(self.queries, self._trials, strict=True):
            trial = trials[self.candidates[cell_of(query)].index(strategy)]
            found.append(_outcome(query, trial, trial.quality))
        return found

    def table(self, reward: Reward, cost_weights: Sequence[float]) -> Table:
        """The best strategy of each cell on average over `cost_weights`; of equals, the simplest.

        A cell without a query to fit on gets the single model that is best over all of them.
        """
        each = [self._worth(reward, weight) for weight in cost_weights]
        worth = {cell: np.mean([w[cell] for w in each], axis=0) for cell in each[0]}  # [candidates]
        table = {cell: self.candidates[cell][int(values.argmax())] for cell, values in worth.items()}
        if len(table) < len(self.candidates):
            fallback = self.best_single(reward, cost_weights)
            table |= {cell: fallback for cell in self.candidates if cell not in table}
        return table

    def best_single(self, reward: Reward, cost_weights: Sequence[float]) -> Strategy:
        """The one model of the highest mean reward on the fit queries, on average over `cost_weights`."""
        return self._best_single(*(partial(self._reward, _fresh(reward), weight) for weight in cost_weights))

    def _worth(self, reward: Reward, cost_weight: float) -> dict[Cell, np.ndarray]:
        """[candidates] mean reward of each on the fit queries of a cell."""
        key = (reward, cost_weight)
        if key not in self._worth_of:
            fresh = _fresh(reward)
            rows: dict[Cell, list[list[float]]] = {}
            for query, trials in zip(self.fit_queries, self._fit_trials, strict=True):
                rows.setdefault(cell_of(query), []).append(self._rewards(fresh, cost_weight, trials))
            self._worth_of[key] = {cell: _mean_known(np.array(values)) for cell, values in rows.items()}
        return self._worth_of[key]

    def _rewards(self, reward: Reward, cost_weight: float, trials: Sequence[Trial]) -> list[float]:
        """[candidates] NaN where a trial could not be scored. Strategies that came to the same are priced once."""
        priced: dict[tuple[float | None, float], float] = {}
        for trial in trials:
            pair = (trial.quality, trial.cost_usd)
            if pair not in priced:
                value = self._reward(reward, cost_weight, trial)
                priced[pair] = np.nan if value is None else value
        return [priced[trial.quality, trial.cost_usd] for trial in trials]

    def _reward(self, reward: Reward, cost_weight: float, trial: Trial) -> float | None:
        terms = reward.terms(
            quality=trial.quality,
            cost_usd=trial.cost_usd,
            cost_weight=cost_weight,
            format_ok=True,
            cost_reference_usd=self.task.cost_reference_usd,
        ).values()
        known = [term for term in terms if term is not None]
        return sum(known) if len(known) == len(terms) else None

    def _follow(self, rule: Callable[[Query], Strategy], reward: Reward, cost_weight: float) -> list[Outcome]:
        fresh, found = _fresh(reward), []
        for query, trials in zip(self.queries, self._trials, strict=True):
            trial = trials[self.candidates[cell_of(query)].index(rule(query))]
            found.append(_outcome(query, trial, self._reward(fresh, cost_weight, trial)))
        return found

    def _oracle(self, reward: Reward, cost_weight: float) -> list[Outcome]:
        """The best trial of each query; of equals, the cheapest."""
        fresh, found = _fresh(reward), []
        for query, trials in zip(self.queries, self._trials, strict=True):
            rewards = np.nan_to_num(self._rewards(fresh, cost_weight, trials), nan=-np.inf)
            best = max(range(len(trials)), key=lambda i: (rewards[i], -trials[i].cost_usd))
            value = float(rewards[best])
            found.append(_outcome(query, trials[best], value if np.isfinite(value) else None))
        return found

    def _best_single(self, *worths: Callable[[Trial], float | None]) -> Strategy:
        """The single model of the highest mean of `worths` on the fit queries; of equals, the pool's first."""
        places = {cell: [found.index(s) for s in self.singles] for cell, found in self.candidates.items()}
        singles = [
            [trials[place] for place in places[cell_of(query)]]
            for query, trials in zip(self.fit_queries, self._fit_trials, strict=True)
        ]
        means = [_mean_known(np.array([[worth(t) for t in row] for row in singles], dtype=float)) for worth in worths]
        return self.singles[int(np.mean(means, axis=0).argmax())]


def _mean_known(values: np.ndarray) -> np.ndarray:
    """[n, m] -> [m] means over what is not NaN; −inf where nothing is known."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    return np.where(counts > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(counts, 1), -np.inf)


def _fresh(reward: Any) -> Any:
    """A copy that remembers no episodes: a rolling normaliser must not see the strategies that were only tried."""
    return replace(reward)


def _outcome(query: Query, trial: Trial, reward: float | None) -> Outcome:
    return Outcome(
        query_id=query.query_id,
        task=query.task,
        quality=trial.quality,
        cost_usd=trial.cost_usd,
        calls=len(trial.models),
        format_ok=True,
        reward=reward,
        models=trial.models,
        decomposed=trial.decomposed,
    )
