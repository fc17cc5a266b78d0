"""What the lines of a run mean: a point per router and cost weight, and what each router is worth as a whole.

Everything is computed from `Played` values, so from lines alone. At each cost weight λ a router is judged by its
utility, quality − λ · relative cost: at λ = 0 that is its quality.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rl_router.errors import DataError
from rl_router.evaluation.metrics.custom import custom_values
from rl_router.evaluation.metrics.selection import known_mean
from rl_router.evaluation.statistics.seeds import SeededMean, seeded_mean
from rl_router.evaluation.suite.lines import Key
from rl_router.evaluation.suite.played import NUMBERS, Played
from rl_router.types import Mode

EACH_MODEL = "(each model)"
"""The entrant whose settings are the models of the pool, one after the other: what a single model comes to."""
MODEL = "model:"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One router at one setting on all queries of the run: [s, n] over its seeds. NaN is unknown."""

    router: str
    block: Mode
    cost_weight: float | None
    values: Mapping[str, np.ndarray]
    calls: np.ndarray  # [s, n] how many models were called
    traffic: Mapping[str, float]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[name]


@dataclass(frozen=True, kw_only=True)
class Board:
    """Every router of a run on the same queries. A router without a dial stands at every cost weight alike."""

    query_ids: tuple[str, ...]
    datasets: tuple[str, ...]  # [n] of each query
    tasks: tuple[str, ...]  # [n] of each query
    cost_weights: tuple[float, ...]
    cost_reference_usd: float
    columns: Mapping[str, tuple[Column, ...]]  # router -> its settings
    unfinished: Mapping[str, int]
    """Routers that have not answered every query yet, and how many they lack."""

    @property
    def routers(self) -> tuple[str, ...]:
        """Without the single models."""
        return tuple(name for name in self.columns if not name.startswith(MODEL))

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if name.startswith(MODEL))

    @cached_property
    def task_names(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.tasks)))

    @cached_property
    def task_order(self) -> np.ndarray:
        """[n] places of the queries, task by task in the order of `task_names`."""
        return np.argsort(np.array(self.tasks), kind="stable")

    @cached_property
    def task_slices(self) -> dict[str, slice]:
        """Where each task lies in `task_order`."""
        ends = np.cumsum([self.tasks.count(task) for task in self.task_names]).tolist()
        return {task: slice(a, b) for task, a, b in zip(self.task_names, [0, *ends], ends, strict=False)}

    def at(self, router: str, cost_weight: float) -> Column | None:
        """The router's setting at this weight; its only one when it has no dial."""
        columns = self.columns[router]
        if columns[0].cost_weight is None:
            return columns[0]
        return next((c for c in columns if c.cost_weight == cost_weight), None)

    def utility(self, column: Column, cost_weight: float) -> np.ndarray:
        """[s, n]"""
        if cost_weight == 0:
            return column["quality"]
        return column["quality"] - cost_weight * column["cost_usd"] / self.cost_reference_usd


def board_of(played: Mapping[Key, Played]) -> Board:
    """Lines as one board. DataError when there is none, or when routers were measured by different references."""
    if not played:
        raise DataError("There is no line of any router yet, so there is nothing to report; run the evaluation.")
    references = {part.cost_reference_usd for part in played.values()}
    if len(references) > 1:
        raise DataError(f"The lines measure costs by different references, {sorted(references)}; start over.")
    ids = dict.fromkeys(query_id for part in played.values() for query_id in part.query_ids)
    tasks = {q: task for part in played.values() for q, task in zip(part.query_ids, part.tasks, strict=True)}
    datasets = {q: name for part in played.values() for q, name in zip(part.query_ids, part.datasets, strict=True)}
    place = {query_id: i for i, query_id in enumerate(ids)}
    by_router: dict[str, list[Played]] = {}
    for (router, _), part in played.items():
        by_router.setdefault(router, []).append(part)
    columns: dict[str, tuple[Column, ...]] = {}
    for router, parts in by_router.items():
        for column in _columns(router, parts, place):
            columns[column.router] = (*columns.get(column.router, ()), column)
    lacking = {router: max(len(ids) - len(part.query_ids) for part in parts) for router, parts in by_router.items()}
    return Board(
        query_ids=tuple(ids),
        datasets=tuple(datasets[query_id] for query_id in ids),
        tasks=tuple(tasks[query_id] for query_id in ids),
        cost_weights=_weights(played.values()),
        cost_reference_usd=references.pop(),
        columns=columns,
        unfinished={router: n for router, n in lacking.items() if n},
    )


def _columns(router: str, parts: Sequence[Played], place: Mapping[str, int]) -> Iterable[Column]:
    weights = parts[0].cost_weights
    if any(part.cost_weights != weights for part in parts):
        raise DataError(f"The seeds of {router} were played at different cost weights; start over with resume=false.")
    rows = [np.array([place[query_id] for query_id in part.query_ids], dtype=int) for part in parts]

    def spread(values: Sequence[np.ndarray], setting: int) -> np.ndarray:
        found = np.full((len(parts), len(place)), np.nan)
        for seed, (where, matrix) in enumerate(zip(rows, values, strict=True)):
            found[seed, where] = matrix[setting]
        return found

    for setting, weight in enumerate(weights):
        shares = [part.calls.shares(setting) for part in parts]
        models = dict.fromkeys(name for share in shares for name in share)
        traffic = {name: float(np.mean([share.get(name, 0.0) for share in shares])) for name in models}
        yield Column(
            router=f"{MODEL}{next(iter(models))}" if router == EACH_MODEL else router,
            block=parts[0].block,
            cost_weight=weight,
            values={name: spread([getattr(part, name) for part in parts], setting) for name in NUMBERS},
            calls=spread([part.calls.counts.T.astype(float) for part in parts], setting),
            traffic=traffic,
        )


def _weights(played: Iterable[Played]) -> tuple[float, ...]:
    weights = {weight for part in played for weight in part.cost_weights if weight is not None}
    return tuple(sorted(weights)) or (0.0,)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One router at one cost weight. Means over the `n` queries that could be scored; `ungraded` could not.

    `utility` is at `cost_weight`. `truncated` is the share of answers cut off at the token limit, None where nothing
    says so; so are the other Nones.
    """

    router: str
    block: str
    cost_weight: float
    n: int
    ungraded: int
    seeds: int
    quality: float
    quality_se: float | None
    quality_se_seeds: float | None
    cost_usd: float | None
    cost_usd_se: float | None
    router_usd: float | None
    utility: float | None
    utility_se: float | None
    latency_s: float | None
    calls: float
    prompt_tokens: float | None
    completion_tokens: float | None
    failed_calls: float
    truncated: float | None
    custom: Mapping[str, float | None] = field(default_factory=dict)
    """What metrics of ./custom_tasks say, by name."""


def point_of(board: Board, column: Column, cost_weight: float) -> Point:
    quality, cost = seeded_mean(column["quality"]), seeded_mean(column["cost_usd"])
    utility = seeded_mean(board.utility(column, cost_weight))
    return Point(
        router=column.router,
        block=column.block.value,
        cost_weight=cost_weight,
        n=quality.n,
        ungraded=len(board.query_ids) - quality.n,
        seeds=quality.seeds,
        quality=quality.value,
        quality_se=_known(quality.se),
        quality_se_seeds=_known(quality.se_seeds),
        cost_usd=_known(cost.value),
        cost_usd_se=_known(cost.se),
        router_usd=_mean(column["router_usd"]),
        utility=_known(utility.value),
        utility_se=_known(utility.se),
        latency_s=_mean(column["latency_s"]),
        calls=_mean(column.calls) or 0.0,
        prompt_tokens=_mean(column["prompt_tokens"]),
        completion_tokens=_mean(column["completion_tokens"]),
        failed_calls=_mean(column["failed_calls"]) or 0.0,
        truncated=_mean(column["truncated"]),
        custom=custom_values(known_mean(column["quality"], axis=0), known_mean(column["cost_usd"], axis=0)),
    )


@dataclass(frozen=True, kw_only=True)
class TaskCell:
    """One router on one task at one cost weight."""

    router: str
    cost_weight: float
    task: str
    n: int
    quality: float
    quality_se: float | None
    cost_usd: float | None


def task_cells(board: Board, column: Column, cost_weight: float) -> list[TaskCell]:
    cells = []
    by_task = {name: column[name][:, board.task_order] for name in ("quality", "cost_usd")}
    for task, here in board.task_slices.items():
        quality: SeededMean = seeded_mean(by_task["quality"][:, here])
        if quality.n:
            cells.append(
                TaskCell(
                    router=column.router,
                    cost_weight=cost_weight,
                    task=task,
                    n=quality.n,
                    quality=quality.value,
                    quality_se=_known(quality.se),
                    cost_usd=_mean(by_task["cost_usd"][:, here]),
                )
            )
    return cells


def _mean(values: np.ndarray) -> float | None:
    return _known(float(known_mean(values)))


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
