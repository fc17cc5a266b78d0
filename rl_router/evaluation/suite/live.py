"""Live suites: every model of the pool is asked every question once, and what comes back is replayed like any table.

Asking is `rl_router.pipeline.collect`: a cell is finished when its replies are on disk, so a run that was killed
pays for nothing twice. Routers then cost nothing to judge, and all of them are judged on the same answers.
"""

from __future__ import annotations

from pathlib import Path

from rl_router.data.benchmarks import BENCHMARKS
from rl_router.data.table import RoutingTable
from rl_router.evaluation.suite.suite import Suite
from rl_router.pipeline.collect import CollectJob, collect, paid_usd
from rl_router.pipeline.queries import QueriesJob, Share, build_queries
from rl_router.pool.live_pool import LivePool

FIT_QUERIES = 500
"""Of each benchmark that has a split to fit on, where the suite does not say how many."""


def collected_table(suite: Suite) -> RoutingTable:
    """All answers of the pool to the suite's questions; asks only for those that are not recorded yet."""
    queries = suite.questions or _drawn(suite)
    pool = LivePool(
        file=suite.pool or "",
        models=suite.models or None,
        endpoint=suite.live.endpoint,
        cache=suite.live.cache,
        concurrency=suite.live.concurrency,
    )
    job = CollectJob(
        name=suite.name,
        queries=queries,
        run_dir=calls_dir(suite),
        pool=pool,
        max_tokens=suite.max_tokens,
        judge=suite.live.judge,
        custom_tasks=suite.custom_tasks,
        budget_usd=left_usd(suite, calls_dir(suite)),
    )
    return RoutingTable.read(collect(job).table)


def calls_dir(suite: Suite) -> Path:
    """Where the calls of the pool are recorded."""
    return suite.run_dir / "calls"


def endpoints_dir(suite: Suite) -> Path:
    """Where each `url:…` router has a folder of its own."""
    return suite.run_dir / "endpoints"


def left_usd(suite: Suite, mine: Path) -> float | None:
    """What the calls recorded in the folder `mine` may come to: the budget less what all others have paid so far."""
    if suite.budget_usd is None:
        return None
    caches = {calls_dir(suite): suite.live.cache} | dict.fromkeys(sorted(endpoints_dir(suite).glob("*")))
    paid = sum(paid_usd(folder, cache) for folder, cache in caches.items() if folder != mine)
    return max(0.0, suite.budget_usd - paid)


def _drawn(suite: Suite) -> Path:
    """The questions of the suite's benchmarks, in a file in its run folder. What is not judged is not asked either."""
    shares = {}
    limit = suite.queries or suite.live.queries
    for name in suite.benchmarks:
        fit = (limit or FIT_QUERIES) if suite.splits.fit in BENCHMARKS.get(name).splits else 0
        shares[name] = Share(train=fit, test=limit or "all")
    out, seed = calls_dir(suite) / "queries.parquet", suite.seeds[0]
    job = QueriesJob(out=out, seed=seed, benchmarks=shares, custom_tasks=suite.custom_tasks)
    build_queries(job)
    return job.out
