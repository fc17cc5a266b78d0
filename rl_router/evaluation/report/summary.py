"""Everything that a report says, as one value that is computed from lines and goes to JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from rl_router.evaluation.suite.recovered import PROMPT_LENGTH, recoveries_of
from rl_router.evaluation.suite.results import Board, Column, Point, TaskCell, point_of, task_cells
from rl_router.evaluation.suite.verdicts import REFERENCE, Verdict, between, verdicts_of
from rl_router.evaluation.suite.worth import ORACLE, Worth, worth_of
from rl_router.evaluation.two_models.recovery import Recovery
from rl_router.types import Mode

ORDER = ("random", "cheapest", "strongest", REFERENCE, "best_per_task", "knn", PROMPT_LENGTH, ORACLE)
"""The rows that nobody can leave out, in the order of a table; routers come before them, single models after."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """`points` are all (router, cost weight) pairs, models included, by cost weight and then in the table's order."""

    name: str
    queries: int
    tasks: Mapping[str, int]
    cost_weights: tuple[float, ...]
    cost_reference_usd: float
    max_tokens: int | None
    points: tuple[Point, ...]
    verdicts: tuple[Verdict, ...]
    worths: tuple[Worth, ...]
    task_cells: tuple[TaskCell, ...]
    recoveries: Mapping[str, tuple[Recovery, ...]]
    """RouteLLM's metrics by data set, where there are two models."""
    remarks: tuple[str, ...]

    @cached_property
    def by_weight(self) -> dict[float, list[Point]]:
        return {w: [point for point in self.points if point.cost_weight == w] for w in self.cost_weights}

    @cached_property
    def verdicts_by_weight(self) -> dict[float, list[Verdict]]:
        return {w: [found for found in self.verdicts if found.cost_weight == w] for w in self.cost_weights}

    def verdict(self, router: str, other: str, cost_weight: float) -> Verdict | None:
        return between(self.verdicts_by_weight[cost_weight], router, other)

    def worth(self, router: str) -> Worth | None:
        return next((worth for worth in self.worths if worth.router == router), None)


def summary_of(board: Board, *, name: str, max_tokens: int | None, remarks: Sequence[str]) -> Summary:
    order = sorted(board.columns, key=lambda router: _place(board, router))
    columns = [
        (column, weight)
        for weight in board.cost_weights
        for router in order
        if (column := board.at(router, weight)) is not None
    ]
    return Summary(
        name=name,
        queries=len(board.query_ids),
        tasks={task: board.tasks.count(task) for task in board.task_names},
        cost_weights=board.cost_weights,
        cost_reference_usd=board.cost_reference_usd,
        max_tokens=max_tokens,
        points=tuple(point_of(board, column, weight) for column, weight in columns),
        verdicts=tuple(verdicts_of(board)),
        worths=tuple(worth_of(board, router) for router in order),
        task_cells=tuple(_task_cells(board, columns)),
        recoveries=recoveries_of(board),
        remarks=(*remarks, *_unfinished(board)),
    )


def _task_cells(board: Board, columns: Sequence[tuple[Column, float]]) -> Iterator[TaskCell]:
    """A router without a dial stands at every weight: its cells are computed once."""
    known: dict[int, list[TaskCell]] = {}
    for column, weight in columns:
        if id(column) not in known:
            known[id(column)] = task_cells(board, column, weight)
        yield from (replace(cell, cost_weight=weight) for cell in known[id(column)])


def to_json(summary: Summary) -> dict[str, Any]:
    return asdict(summary)


def block_of(point: Point | Worth) -> str:
    """Where a row stands in the table: what orchestrates is not held against what only decides."""
    if point.router.startswith("model:"):
        return "single models"
    if point.block == Mode.ORCHESTRATE.value:
        return "routers that orchestrate"
    return "reference rows" if point.router in ORDER else "routers that decide"


BLOCKS = ("routers that decide", "routers that orchestrate", "reference rows", "single models")


def _place(board: Board, router: str) -> tuple[int, int, str]:
    block = BLOCKS.index(block_of(point_of(board, board.columns[router][0], board.cost_weights[0])))
    within = ORDER.index(router) if router in ORDER else list(board.columns).index(router)
    return block, within, router


def _unfinished(board: Board) -> list[str]:
    return [f"{router} has not answered {n:,} of the queries yet." for router, n in board.unfinished.items()]
