"""Three questions to a router that learns while it serves: does it beat every fixed model, does it recover from a
change, and did an estimate from the log know beforehand what another router would earn?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rl_router.data.table import RoutingTable
from rl_router.encoders.registry import make_encoder
from rl_router.evaluation.off_policy.log import LoggedCall
from rl_router.evaluation.off_policy.policies import router_policy
from rl_router.evaluation.off_policy.value import models_of, policy_value
from rl_router.evaluation.online.kept import KeptInMemory
from rl_router.evaluation.online.stream import Change, Feedback, Served, Stream, serve
from rl_router.online.prior import expected_quality
from rl_router.routers.knn import Knn
from rl_router.routers.online import NewModel, Online

Progress = Callable[[str, int, int], None]
CHECKPOINTS = (1_000, 2_500, 5_000, 10_000, 15_000, 20_000)
RECOVERED = slice(500, 1_000)
"""Requests after a change in which the utility should be what it stays at."""
AFTERWARDS = slice(1_000, 2_000)


@dataclass(frozen=True, kw_only=True)
class Regret:
    """`regret` at each checkpoint: what the model that is best in hindsight over the whole stream would have earned
    more, in units of quality. `best_per_task`: the mean of the best model of every task, in hindsight."""

    algorithm: str
    feedback: Feedback
    seed: int
    mean: float
    best_fixed: float
    best_per_task: float
    regret: dict[int, float]
    noticed: int


def regret(
    router: Online, stream: Stream, *, feedback: Feedback, seed: int, progress: Progress, cost_weight: float = 0.0
) -> Regret:
    """`router` is fitted; its feedback goes to a file of its own."""
    reference = router.cost_reference_usd_ or 1.0
    utility = stream.utility(cost_weight, reference)
    label = f"{router.algorithm}, seed {seed}"
    served = _served(router.copied(seed=seed), stream, cost_weight, feedback, progress, label)
    earned = utility[np.arange(len(utility)), served.choices]
    best = int(utility.mean(axis=0).argmax())
    lost = np.cumsum(utility[:, best] - earned)
    tasks = np.array([query.task for query in stream.queries])
    shares = [(tasks == task).mean() * utility[tasks == task].mean(axis=0).max() for task in sorted(set(tasks))]
    return Regret(
        algorithm=router.algorithm,
        feedback=feedback,
        seed=seed,
        mean=float(earned.mean()),
        best_fixed=float(utility[:, best].mean()),
        best_per_task=float(sum(shares)),
        regret={at: float(lost[at - 1]) for at in CHECKPOINTS if at <= len(lost)},
        noticed=len(served.noticed),
    )


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Mean utility before a change, in its first 250 requests, in requests 500 to 1,000 after it, and in the last
    quarter of the stream. `unaware` is the same router without feedback, in the last quarter.

    `behind` (± standard error) is by how much it earned less in requests 500 to 1,000 after the change than the router
    that it had become by the end of the stream would have earned on the same requests, `behind_afterwards` the same of
    requests 1,000 to 2,000: zero when it had recovered.
    """

    change: Change
    seed: int
    before: float
    at_first: float
    recovered: float
    behind: float
    behind_se: float
    behind_afterwards: float
    behind_afterwards_se: float
    later: float
    unaware: float
    share_before: float
    share_after: float
    """Of the traffic that went to the model which changed: in the 2,000 requests before, and in the last quarter."""


def recovery(
    router: Online,
    stream: Stream,
    change: Change,
    *,
    cost_weight: float,
    seed: int,
    progress: Progress,
    newcomer: NewModel | None = None,
) -> Recovery:
    """`router` is fitted, without the model that arrives, which is `newcomer`."""
    changed, at = stream.changed(change), change.at
    utility = changed.utility(cost_weight, router.cost_reference_usd_ or 1.0)
    rows = np.arange(len(utility))
    router = router.copied(seed=seed)
    last = router if newcomer is None else router.with_models(newcomer)
    frozen = [decision.model for decision in last.route(changed.queries, cost_weight=cost_weight)]
    unaware = utility[rows, [changed.models.index(model) for model in frozen]]
    successor = None if newcomer is None else (at, last)
    label = f"{change.model} {change.kind}, seed {seed}"
    served = _served(router, changed, cost_weight, Feedback(), progress, label, successor)
    earned = utility[rows, served.choices]
    quarter, j = len(rows) * 3 // 4, changed.models.index(change.model)
    (behind, behind_se), (later, later_se) = (
        _behind(served.router, changed, utility, earned, rows[at:][part], cost_weight)
        for part in (RECOVERED, AFTERWARDS)
    )
    return Recovery(
        change=change,
        seed=seed,
        before=float(earned[at - 2_000 : at].mean()),
        at_first=float(earned[at : at + 250].mean()),
        recovered=float(earned[at:][RECOVERED].mean()),
        behind=behind,
        behind_se=behind_se,
        behind_afterwards=later,
        behind_afterwards_se=later_se,
        later=float(earned[quarter:].mean()),
        unaware=float(unaware[quarter:].mean()),
        share_before=float((served.choices[at - 2_000 : at] == j).mean()),
        share_after=float((served.choices[quarter:] == j).mean()),
    )


def _behind(
    settled: Online, stream: Stream, utility: np.ndarray, earned: np.ndarray, rows: np.ndarray, cost_weight: float
) -> tuple[float, float]:
    """(mean, standard error) of what `settled` would have earned more in these rows."""
    decisions = settled.considered([stream.queries[i] for i in rows], cost_weight=cost_weight)
    more = utility[rows, [stream.models.index(decision.model) for decision in decisions]] - earned[rows]
    return float(more.mean()), float(more.std(ddof=1) / np.sqrt(len(more)))


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How often the doubly robust 95 % interval from a log held what the judged router then earned."""

    runs: int
    covered: int
    logged_calls: int
    later_calls: int
    mean_error: float
    mean_width: float


def coverage(
    table: RoutingTable, fitted_on: RoutingTable, *, runs: int, logged: int, later: int, progress: Progress
) -> Coverage:
    """In each run an online router logs `logged` requests while it learns; a kNN router is judged from the log, and
    then serves the `later` requests that come after."""
    router = Online(floor=0.2, exploration=0.3).fit(fitted_on)
    candidate = Knn(k=20).fit(fitted_on)
    encoder = make_encoder("hashing:64")
    errors, widths = [], []
    for run in range(runs):
        rng = np.random.default_rng(run)
        stream = Stream.of(table, logged + later, rng=rng)
        calls = _log(router.copied(seed=run), stream, logged)
        models = models_of(calls)
        target = router_policy(candidate, calls, models, 0.0)
        features = encoder.encode([call.query for call in calls])
        estimate = policy_value("knn", target, calls, features, "quality", rng=rng).estimates[0]
        chosen = [stream.models.index(d.model) for d in candidate.route(stream.queries[logged:])]
        realised = float(stream.quality[np.arange(logged, logged + later), chosen].mean())
        errors.append((realised - estimate.value, estimate.low <= realised <= estimate.high))
        widths.append(estimate.high - estimate.low)
        progress("estimates made beforehand", run + 1, runs)
    return Coverage(
        runs=runs,
        covered=sum(covered for _, covered in errors),
        logged_calls=logged,
        later_calls=later,
        mean_error=float(np.mean([error for error, _ in errors])),
        mean_width=float(np.mean(widths)),
    )


def announced(table: RoutingTable, model: str) -> NewModel:
    """`model` as one would announce it: by its price alone. Its quality is expected from the other models' prices."""
    others = tuple(sorted(name for name in table.models if name != model))
    costs = np.nanmean(table.matrix("cost_usd", models=(*others, model)), axis=0)
    qualities = np.nanmean(table.matrix("score", models=others), axis=0)
    none = np.zeros((len(others), 1))
    quality, _ = expected_quality(qualities, costs[:-1], none, float(costs[-1]), np.zeros(1))
    return NewModel(name=model, quality=quality, cost_usd=float(costs[-1]))


def _served(
    router: Online,
    stream: Stream,
    cost_weight: float,
    feedback: Feedback,
    progress: Progress,
    label: str,
    successor: tuple[int, Online] | None = None,
) -> Served:
    store = KeptInMemory()
    return serve(
        router.attach(store).look_ahead(stream.queries),
        stream,
        cost_weight=cost_weight,
        feedback=feedback,
        rng=np.random.default_rng(router.seed),
        progress=lambda done: progress(label, done, len(stream.queries)),
        successor=None if successor is None else (successor[0], successor[1].attach(store).look_ahead(stream.queries)),
    )


def _log(router: Online, stream: Stream, n: int) -> list[LoggedCall]:
    calls = []
    router.attach(KeptInMemory())
    for start in range(0, n, 50):  # feedback comes for fifty requests at once
        rows = range(start, min(start + 50, n))
        decisions = router.route([stream.queries[i] for i in rows])
        for i, decision in zip(rows, decisions, strict=True):
            quality = float(stream.quality[i, stream.models.index(decision.model)])
            router.outcome(stream.queries[i].query_id, quality=quality)
            query = stream.queries[i]
            calls.append(
                LoggedCall(
                    query_id=query.query_id,
                    query=query.text,
                    candidates=stream.models,
                    model=decision.model,
                    propensity=decision.propensity,
                    quality=quality,
                )
            )
    return calls
