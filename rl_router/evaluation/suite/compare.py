"""What changed between two evaluations of the same queries: per router, cost weight and task, and what moved most.

Both are judged in utility by the first one's measure of costs. A difference is one only if the paired test, corrected
by Holm for everything that moved at all, says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_router.errors import DataError
from rl_router.evaluation.statistics.comparison import Comparison, Verdict, compare_pairs
from rl_router.evaluation.statistics.seeds import compare_seeded, seed_average
from rl_router.evaluation.suite.folder import SuiteFolder
from rl_router.evaluation.suite.references import SEEDED
from rl_router.evaluation.suite.results import Board, Column, board_of
from rl_router.evaluation.suite.verdicts import SEED

ALL = "(all)"
MOST_MOVED = 10


@dataclass(frozen=True, kw_only=True)
class Change:
    """B − A of one router in utility, over all queries (`task` is "(all)") or those of a task."""

    router: str
    cost_weight: float
    task: str
    before: float
    after: float
    difference: float
    low: float
    high: float
    p_holm: float
    n: int
    verdict: str
    cost_before_usd: float | None
    cost_after_usd: float | None


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One query of one router that came out otherwise; means over seeds."""

    router: str
    cost_weight: float
    query_id: str
    task: str
    quality_before: float
    quality_after: float
    cost_before_usd: float | None
    cost_after_usd: float | None
    moved: float


@dataclass(frozen=True, kw_only=True)
class Changes:
    """`settings` are keys of the suites that differ, with both values."""

    settings: dict[str, tuple[Any, Any]]
    queries: int
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    changes: tuple[Change, ...]
    moved: tuple[Moved, ...]


def compare_folders(before: SuiteFolder, after: SuiteFolder) -> Changes:
    """DataError when the two have no query or no router in common."""
    a, b = board_of(before.read_played()), board_of(after.read_played())
    shared = [query_id for query_id in a.query_ids if query_id in set(b.query_ids)]
    routers = [router for router in a.columns if router in b.columns]
    if not shared or not routers:
        lacking = "query" if routers else "router"
        raise DataError(f"The evaluations in {before.path} and {after.path} have no {lacking} in common.")
    pairs = list(_pairs(a, b, shared, routers))
    return Changes(
        settings=_settings(before.read_suite()["suite"], after.read_suite()["suite"]),
        queries=len(shared),
        only_before=tuple(r for r in a.columns if r not in b.columns),
        only_after=tuple(r for r in b.columns if r not in a.columns),
        changes=tuple(_changes(pairs, np.array(a.tasks)[_places(a, shared)])),
        moved=tuple(_moved(pairs, shared, a)),
    )


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """One router at one cost weight in both, on the shared queries: [s, n]."""

    router: str
    cost_weight: float
    before: np.ndarray
    after: np.ndarray
    a: Mapping[str, np.ndarray]
    b: Mapping[str, np.ndarray]


def _pairs(a: Board, b: Board, shared: list[str], routers: list[str]) -> Iterator[_Pair]:
    rows_a, rows_b = _places(a, shared), _places(b, shared)
    for weight in (w for w in a.cost_weights if w in b.cost_weights):
        for router in routers:
            mine, theirs = a.at(router, weight), b.at(router, weight)
            if mine is not None and theirs is not None:
                yield _Pair(
                    router=router,
                    cost_weight=weight,
                    before=a.utility(mine, weight)[:, rows_a],
                    after=a.utility(theirs, weight)[:, rows_b],
                    a=_parts(mine, rows_a),
                    b=_parts(theirs, rows_b),
                )


def _parts(column: Column, rows: np.ndarray) -> dict[str, np.ndarray]:
    """[n] means over seeds."""
    return {name: seed_average(column[name][:, rows]) for name in ("quality", "cost_usd")}


def _places(board: Board, query_ids: list[str]) -> np.ndarray:
    place = {query_id: i for i, query_id in enumerate(board.query_ids)}
    return np.array([place[query_id] for query_id in query_ids], dtype=int)


def _changes(pairs: list[_Pair], tasks: np.ndarray) -> list[Change]:
    """What did not move at all is no difference and is not tested; the rest is one table for Holm's correction."""
    cells = [(pair, task) for pair in pairs for task in (ALL, *sorted(set(tasks)))]
    here = {task: np.full(len(tasks), True) if task == ALL else tasks == task for _, task in cells}
    tested = [(pair, task) for pair, task in cells if not _same(pair.before[:, here[task]], pair.after[:, here[task]])]
    found = _tested([(_only(p.after, here[task]), _only(p.before, here[task])) for p, task in tested])
    verdicts = {(id(pair), task): result for (pair, task), result in zip(tested, found, strict=True)}
    return [_change(pair, task, here[task], verdicts.get((id(pair), task))) for pair, task in cells]


def _tested(both: list[tuple[np.ndarray, np.ndarray]]) -> list[Comparison]:
    """Of (after, before) columns [s, n]."""
    values = {f"{i} {side}": column for i, two in enumerate(both) for side, column in zip("ab", two, strict=True)}
    names = [(f"{i} a", f"{i} b") for i in range(len(both))]
    if any(len(column) > 1 for column in values.values()):
        return compare_seeded(values, names)
    return compare_pairs({name: column[0] for name, column in values.items()}, names, rng=np.random.default_rng(SEED))


def _change(pair: _Pair, task: str, here: np.ndarray, found: Comparison | None) -> Change:
    before, after = (float(_mean(values[:, here])) for values in (pair.before, pair.after))
    cost_before, cost_after = (float(_mean(part["cost_usd"][here])) for part in (pair.a, pair.b))
    return Change(
        router=pair.router,
        cost_weight=pair.cost_weight,
        task=task,
        before=before,
        after=after,
        difference=0.0 if found is None else found.difference,
        low=0.0 if found is None else found.low,
        high=0.0 if found is None else found.high,
        p_holm=1.0 if found is None else found.p_holm,
        n=int(here.sum()) if found is None else found.n,
        verdict=Verdict.NO_DIFFERENCE.value if found is None else found.verdict.value,
        cost_before_usd=_known(cost_before),
        cost_after_usd=_known(cost_after),
    )


def _moved(pairs: list[_Pair], shared: list[str], board: Board) -> list[Moved]:
    """The ten queries, with the router and weight they moved most for; each query once. A row that is random by
    construction moves wherever an answer does, and says nothing about what changed."""
    task_of = dict(zip(board.query_ids, board.tasks, strict=True))
    found: dict[str, Moved] = {}
    for pair in (pair for pair in pairs if pair.router not in SEEDED):
        shift = seed_average(pair.after) - seed_average(pair.before)  # [n]
        size = np.nan_to_num(np.abs(shift))
        for i in np.argsort(-size, kind="stable")[:MOST_MOVED]:
            query_id = shared[i]
            if size[i] > 0 and (query_id not in found or size[i] > abs(found[query_id].moved)):
                found[query_id] = Moved(
                    router=pair.router,
                    cost_weight=pair.cost_weight,
                    query_id=query_id,
                    task=task_of[query_id],
                    quality_before=float(pair.a["quality"][i]),
                    quality_after=float(pair.b["quality"][i]),
                    cost_before_usd=_known(float(pair.a["cost_usd"][i])),
                    cost_after_usd=_known(float(pair.b["cost_usd"][i])),
                    moved=float(shift[i]),
                )
    return sorted(found.values(), key=lambda moved: -abs(moved.moved))[:MOST_MOVED]


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = [key for key in {**before, **after} if key not in ("run_dir", "resume")]
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def _same(before: np.ndarray, after: np.ndarray) -> bool:
    """Under every seed; one seed stands for any number, as for a router without chance."""
    if len(before) != len(after) and 1 not in (len(before), len(after)):
        return False
    one, other = np.broadcast_arrays(before, after)
    return np.array_equal(one, other, equal_nan=True)


def _only(values: np.ndarray, here: np.ndarray) -> np.ndarray:
    return np.where(here, values, np.nan)


def _mean(values: np.ndarray) -> Any:
    known = values[~np.isnan(values)]
    return known.mean() if len(known) else np.nan


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
