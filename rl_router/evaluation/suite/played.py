"""What one router under one seed came to, as arrays of settings × queries: the value behind the lines of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rl_router.evaluation.suite.arena import Arena
from rl_router.types import Mode

NUMBERS = (
    "quality", "cost_usd", "router_usd", "latency_s", "prompt_tokens", "completion_tokens", "failed_calls", "truncated",
    "predicted_quality", "predicted_cost_usd", "lead",
)  # fmt: skip
"""The columns that are one number per setting and query; NaN is unknown."""
USUALLY_ZERO = ("router_usd", "failed_calls")


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Which models were called, flat: `names[i] for i in codes` are the calls of query 0 at setting 0, then of query 0
    at setting 1, …; `counts` says how many belong to each."""

    names: tuple[str, ...]
    codes: np.ndarray  # [calls]
    counts: np.ndarray  # [n, w]

    @staticmethod
    def single(names: Sequence[str], columns: np.ndarray) -> Calls:
        """One call per setting and query from `columns` [w, n]; none where a column is negative."""
        flat = columns.T.ravel()
        return Calls(names=tuple(names), codes=flat[flat >= 0], counts=(columns.T >= 0).astype(int))

    @staticmethod
    def of(models: Sequence[Sequence[Sequence[str]]]) -> Calls:
        """From names by query and setting."""
        flat = [name for of_query in models for of_setting in of_query for name in of_setting]
        names = tuple(dict.fromkeys(flat))
        place = {name: i for i, name in enumerate(names)}
        counts = np.array([[len(of_setting) for of_setting in of_query] for of_query in models], dtype=int)
        return Calls(names=names, codes=np.array([place[name] for name in flat], dtype=int), counts=counts)

    @property
    def first(self) -> np.ndarray:
        """[w, n] code of the first call, −1 where there was none."""
        codes = np.append(self.codes, -1)
        starts = (np.cumsum(self.counts.ravel()) - self.counts.ravel()).reshape(self.counts.shape)
        return np.where(self.counts > 0, codes[np.minimum(starts, len(self.codes))], -1).T

    def shares(self, setting: int) -> dict[str, float]:
        """Of all calls at one setting, the share that each model had."""
        setting_of = np.repeat(np.tile(np.arange(self.counts.shape[1]), len(self.counts)), self.counts.ravel())
        totals = np.bincount(self.codes[setting_of == setting], minlength=len(self.names))
        return {name: float(n / max(totals.sum(), 1)) for name, n in zip(self.names, totals, strict=True) if n}


@dataclass(frozen=True, kw_only=True)
class Played:
    """`w` settings × `n` queries. A router without a dial has one setting, whose cost weight is None.

    `cost_reference_usd` is what a cost weight measures costs by, the same for every router of a run.
    `cost_usd` is all-in: every call, the failed ones and the router's own tokens, which `router_usd` says apart.
    What is called is in `calls`. `lead` is known where there are two models: the higher, the sooner the router
    would ask the strong one, such as its predicted quality less the other's.
    """

    router: str
    seed: int
    block: Mode
    cost_reference_usd: float
    cost_weights: tuple[float | None, ...]  # w
    query_ids: tuple[str, ...]  # n
    datasets: tuple[str, ...]  # n
    tasks: tuple[str, ...]  # n
    calls: Calls
    quality: np.ndarray  # [w, n]
    cost_usd: np.ndarray
    router_usd: np.ndarray
    latency_s: np.ndarray
    prompt_tokens: np.ndarray
    completion_tokens: np.ndarray
    failed_calls: np.ndarray
    truncated: np.ndarray
    predicted_quality: np.ndarray
    predicted_cost_usd: np.ndarray
    lead: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Choices:
    """One model per setting and query: a column of the arena's models; −1 is no model. Predictions are the router's
    own, of the model that it chose; NaN where it predicts nothing."""

    cost_weights: tuple[float | None, ...]
    columns: np.ndarray  # [w, n]
    predicted_quality: np.ndarray | None = None  # [w, n]
    predicted_cost_usd: np.ndarray | None = None  # [w, n]
    lead: np.ndarray | None = None  # [n] of the strong one of two models, see `Played`


@dataclass(frozen=True, kw_only=True)
class Routes:
    """The models that a cascade asked in turn, per setting and query, as columns of the arena's models. The last one
    answers, and every one is paid."""

    cost_weights: tuple[float | None, ...]
    columns: tuple[tuple[tuple[int, ...], ...], ...]  # [w][n][calls]
    router_usd: np.ndarray  # [w, n] what judging the replies cost beside these calls


def replayed(router: str, seed: int, arena: Arena, choices: Choices, rows: np.ndarray) -> Played:
    """What the recorded answers of the chosen models came to on the test queries `rows` [n]."""
    side, columns = arena.test, choices.columns
    unknown = np.full(columns.shape, np.nan)

    def looked_up(matrix: np.ndarray) -> np.ndarray:
        return np.where(columns >= 0, matrix[rows[None, :], columns], np.nan)

    return Played(
        router=router,
        seed=seed,
        block=Mode.DECIDE,
        cost_reference_usd=arena.cost_reference_usd,
        cost_weights=choices.cost_weights,
        query_ids=tuple(side.queries[i].query_id for i in rows),
        datasets=tuple(side.queries[i].dataset for i in rows),
        tasks=tuple(side.queries[i].task for i in rows),
        calls=Calls.single(arena.models, columns),
        quality=np.where(columns >= 0, looked_up(side.quality), 0.0),
        cost_usd=np.where(columns >= 0, looked_up(side.cost_usd), 0.0),
        router_usd=np.zeros(columns.shape),
        latency_s=looked_up(side.latency_s),
        prompt_tokens=looked_up(side.prompt_tokens),
        completion_tokens=looked_up(side.completion_tokens),
        failed_calls=np.nan_to_num(looked_up(side.failed)),
        truncated=looked_up(side.truncated),
        predicted_quality=unknown if choices.predicted_quality is None else choices.predicted_quality,
        predicted_cost_usd=unknown if choices.predicted_cost_usd is None else choices.predicted_cost_usd,
        lead=unknown if choices.lead is None else np.tile(choices.lead, (len(columns), 1)),
    )


def replayed_routes(router: str, seed: int, arena: Arena, routes: Routes, rows: np.ndarray) -> Played:
    """What the recorded answers of a cascade's calls came to: quality is the last one's, costs, tokens and times add
    up. Nothing is predicted, because what is asked depends on replies that no router has seen."""
    last = np.array([[route[-1] for route in at] for at in routes.columns], dtype=int).reshape(-1, len(rows))
    choices = Choices(cost_weights=routes.cost_weights, columns=last)

    def summed(matrix: np.ndarray) -> np.ndarray:
        """[w, n]"""
        sums = [[matrix[i, list(route)].sum() for i, route in zip(rows, at, strict=True)] for at in routes.columns]
        return np.array(sums, dtype=float).reshape(last.shape)

    side = arena.test
    names = [[[arena.models[j] for j in at[i]] for at in routes.columns] for i in range(len(rows))]
    return replace(
        replayed(router, seed, arena, choices, rows),
        calls=Calls.of(names),
        cost_usd=summed(side.cost_usd) + routes.router_usd,
        router_usd=routes.router_usd,
        latency_s=summed(side.latency_s),
        prompt_tokens=summed(side.prompt_tokens),
        completion_tokens=summed(side.completion_tokens),
        failed_calls=np.nan_to_num(summed(side.failed)),
    )
