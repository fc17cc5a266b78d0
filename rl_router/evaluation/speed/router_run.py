"""One router on one table, measured in a process of its own: time to fit, time to route, memory, quality and cost.

Times are of the processor, on one core, so that a busy machine shows them too; the wall's is beside that of the fit.

    python -m rl_router.evaluation.speed.router_run '{"router": {"kind": "knn"}, "data": "TABLE.parquet", …}'

prints one line of JSON. `data` may be `synthetic:QUERIESxMODELS`.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rl_router.data.table import RoutingTable
from rl_router.encoders.cache import CachedEncoder
from rl_router.errors import DataError, RecipeError
from rl_router.routers.learned import adapter
from rl_router.routers.registry import router_class
from rl_router.routers.router import Router
from rl_router.types import Query

SINGLES, BATCH = 30, 1000
WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
WORDS = 20_000


@dataclass(frozen=True, kw_only=True)
class RouterRun:
    """`router` holds the hyper-parameters with its kind. `left_out` is a JSON list of ids that are not tested on."""

    router: Mapping[str, Any]
    data: str
    fit_split: str = "train"
    test_split: str = "test"
    seed: int = 0
    left_out: str | None = None


def measure(run: RouterRun) -> dict[str, Any]:
    fit_on, test_on = _tables(run)
    router = make_router(run.router, run.seed)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    router.fit(fit_on)
    fit_s, fit_cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    left_out = set(json.loads(Path(run.left_out).read_text())) if run.left_out else set()
    queries = [query for query in test_on.queries() if query.query_id not in left_out]
    return {
        "fit_s": fit_s,
        "fit_cpu_s": fit_cpu_s,
        "seeded": "seed" in router.parameters(),
        "queries": len(queries),
        **latencies(router, queries),
        "frontier": frontier(router, test_on, queries),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def make_router(values: Mapping[str, Any], seed: int) -> Router:
    """From its hyper-parameters; RecipeError when one of them is none."""
    kind = router_class(str(values["kind"]))
    seeded = {"seed": seed} if "seed" in kind.__dataclass_fields__ else {}
    try:
        router: Router = adapter(kind).validate_python({**seeded, **values})
    except ValueError as error:
        raise RecipeError(f"{values['kind']} cannot be made of {dict(values)}: {str(error).splitlines()[0]}") from None
    return router


def latencies(router: Router, queries: list[Query]) -> dict[str, float | None]:
    """Milliseconds per query, alone and in a batch, and the part of each that turns texts into vectors."""
    batch = (queries * (1 + BATCH // len(queries)))[:BATCH]
    texts = [query.text for query in batch]
    encoder = getattr(router, "features_", None)
    _without_cache(encoder)
    router.route(batch[:2])  # what is made on the first use is no part of a routed query
    if encoder is not None:
        encoder(texts[:2])
    return {
        "single_ms": _median_ms(lambda i: router.route([batch[i]])),
        "single_encoder_ms": None if encoder is None else _median_ms(lambda i: encoder([texts[i]])),
        "batch_ms": _ms(lambda: router.route(batch)) / len(batch),
        "batch_encoder_ms": None if encoder is None else _ms(lambda: encoder(texts)) / len(batch),
    }


def _without_cache(features: object) -> None:
    """So that every text is encoded, as one that was never seen is."""
    for part in getattr(features, "parts_", (features,)):
        encoder = getattr(part, "_encoder", None)
        if isinstance(encoder, CachedEncoder):
            vars(part)["_encoder"] = encoder.encoder


def _median_ms(work: Callable[[int], object]) -> float:
    return float(np.median([_ms(lambda i=i: work(i)) for i in range(SINGLES)]))  # type: ignore[misc]


def frontier(router: Router, table: RoutingTable, queries: list[Query]) -> list[dict[str, Any]]:
    """Quality (mean over queries, and over the means of the tasks) and mean recorded cost at each cost weight."""
    ids, names = [query.query_id for query in queries], router.models_
    scores, costs = (table.matrix(column, ids, names) for column in ("score", "cost_usd"))
    tasks = np.array([query.task for query in queries])
    priced = type(router).has_dial and not np.isnan(costs).any()
    routed, points = router.chain_at(queries, table), []
    for weight in WEIGHTS if priced else WEIGHTS[:1]:
        routes = routed(weight)
        chosen = [names.index(route[-1]) for route in routes]
        called = [costs[i, [names.index(model) for model in route]].sum() for i, route in enumerate(routes)]
        paid = called + router.judging_usd(queries, table, weight)
        quality = scores[np.arange(len(ids)), chosen]
        by_task = {str(task): float(np.nanmean(quality[tasks == task])) for task in np.unique(tasks)}
        cost_usd = None if np.isnan(costs).all() else float(np.nanmean(paid))
        points.append(
            {
                "cost_weight": weight,
                "quality": float(np.nanmean(quality)),
                "macro": float(np.mean(list(by_task.values()))),
                "by_task": by_task,
                "cost_usd": cost_usd,
            }
        )
    return points


def synthetic(queries: int, models: int, seed: int = 0) -> RoutingTable:
    """Random texts of ten words and random scores, costs, tokens and replies: only its size is real."""
    rng = np.random.default_rng(seed)
    words = rng.zipf(1.3, (queries, 10)) % WORDS
    asked = pl.DataFrame(
        {
            "dataset": "synthetic",
            "split": np.where(rng.random(queries) < 0.01, "test", "train"),
            "query_id": [f"q{i}" for i in range(queries)],
            "query": [" ".join(f"w{word}" for word in row) for row in words],
            "task": [f"task{i % 20}" for i in range(queries)],
        }
    )
    rows = queries * models
    answers: dict[str, pl.Series | np.ndarray | list[str]] = {
        "ground_truth": pl.Series([None] * rows, dtype=pl.String),
        "score": (rng.random(rows) < 0.5).astype(float),
        "cost_usd": rng.random(rows) * 1e-3,
        "prompt_tokens": np.full(rows, 12),
        "completion_tokens": rng.integers(1, 500, rows),
        "response": [f"w{word} w{word % 7}" for word in rng.integers(1, 100, rows)],
    }
    names = pl.DataFrame({"model": [f"model{j:02d}" for j in range(models)]})
    return RoutingTable(
        asked.join(names, how="cross").with_columns(
            **{name: pl.Series(name, values) for name, values in answers.items()}
        )
    )


def _tables(run: RouterRun) -> tuple[RoutingTable, RoutingTable]:
    kind, _, size = run.data.partition(":")
    if kind == "synthetic":
        queries, times, models = size.partition("x")
        if not (times and queries.isdigit() and models.isdigit()):
            raise DataError(f"expected synthetic:QUERIESxMODELS, got {run.data!r}")
        table = synthetic(int(queries), int(models))
    else:
        table = RoutingTable.read(run.data)
    answers = "answers" in _needs(run)  # the oracle is told what it is asked
    test = table.select(split=run.test_split)
    return (test if answers else table.select(split=run.fit_split)), test


def _needs(run: RouterRun) -> tuple[str, ...]:
    from rl_router.routers.registry import entry

    return entry(str(run.router["kind"])).needs


def _ms(work: Callable[[], object]) -> float:
    began_s = time.process_time()
    work()
    return 1000 * (time.process_time() - began_s)


if __name__ == "__main__":
    print(json.dumps(measure(RouterRun(**json.loads(sys.argv[1])))))
