"""Live suites: every model of the pool is asked every question once, and what comes back is replayed like any table.

Asking is `rl_router.pipeline.collect`: a reply is on disk before anything is done with it, so a run that was killed
pays for nothing twice. Routers then cost nothing to judge, and all of them are judged on the same answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rl_router.data.benchmarks import BENCHMARKS
from rl_router.data.queries import write_queries
from rl_router.data.table import RoutingTable
from rl_router.errors import RecipeError
from rl_router.evaluation.suite.arena import Arena
from rl_router.evaluation.suite.failures import settled
from rl_router.evaluation.suite.played import NUMBERS, Calls, Played
from rl_router.evaluation.suite.suite import Live, Suite
from rl_router.pipeline.collect import CollectJob, collect
from rl_router.pipeline.queries import QueriesJob, Share, build_queries
from rl_router.pool.live_pool import LivePool
from rl_router.types import Mode

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
        run_dir=suite.run_dir / "calls",
        pool=pool,
        max_tokens=suite.max_tokens,
        judge=suite.live.judge,
        custom_tasks=suite.custom_tasks,
        budget_usd=suite.budget_usd,
    )
    return RoutingTable.read(collect(job).table)


def _drawn(suite: Suite) -> Path:
    """The questions of the suite's benchmarks, in a file in its run folder. What is not judged is not asked either."""
    shares = {}
    limit = suite.queries or suite.live.queries
    for name in suite.benchmarks:
        fit = (limit or FIT_QUERIES) if suite.splits.fit in BENCHMARKS.get(name).splits else 0
        shares[name] = Share(train=fit, test=limit or "all")
    out, seed = suite.run_dir / "calls" / "queries.parquet", suite.seeds[0]
    job = QueriesJob(out=out, seed=seed, benchmarks=shares, custom_tasks=suite.custom_tasks)
    build_queries(job)
    return job.out


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible URL as a router: its replies are graded by each question's grader and priced by `prices`.

    Nobody sees whom it asks behind its URL, so it stands with the routers that orchestrate, and what it spends on its
    own thoughts is not told apart. `budget_usd` is the most that asking it may cost.
    """

    name: str
    url: str
    model: str
    prices: Mapping[str, float]
    run_dir: Path
    max_tokens: int | None
    live: Live
    budget_usd: float | None = None
    is_seeded: bool = False

    @property
    def identity(self) -> str:
        return f"{self.url} {self.model} {dict(self.prices)}"

    def play(self, arena: Arena, cost_weights: Sequence[float], seed: int, rows: np.ndarray) -> Iterator[Played]:
        folder = self.run_dir / "endpoints" / "".join(c if c.isalnum() or c in "-_." else "_" for c in self.name)
        folder.mkdir(parents=True, exist_ok=True)
        asked = [arena.test.queries[i] for i in rows]
        write_queries(folder / "queries.parquet", asked)
        spec = {"name": self.name, "api_model": self.model, "endpoint": self.url, **self.prices}
        (folder / "pool.yaml").write_text(yaml.safe_dump({"models": [spec]}), encoding="utf-8")
        job = CollectJob(
            name=self.name,
            queries=folder / "queries.parquet",
            run_dir=folder,
            pool=LivePool(file=str(folder / "pool.yaml"), concurrency=self.live.concurrency),
            max_tokens=self.max_tokens,
            judge=self.live.judge,
            budget_usd=self.budget_usd,
        )
        yield self._played(arena, asked, RoutingTable.read(collect(job).table), seed)

    def _played(self, arena: Arena, asked: Sequence[Any], table: RoutingTable, seed: int) -> Played:
        table = settled(table)
        ids = [query.query_id for query in asked]

        def column(name: str) -> np.ndarray:
            return table.matrix(name, ids).T  # [1, n]

        unknown = {name: np.full((1, len(ids)), np.nan) for name in NUMBERS}
        return Played(
            router=self.name,
            seed=seed,
            block=Mode.ORCHESTRATE,
            cost_reference_usd=arena.cost_reference_usd,
            cost_weights=(None,),
            query_ids=tuple(ids),
            datasets=tuple(query.dataset for query in asked),
            tasks=tuple(query.task for query in asked),
            calls=Calls.single([self.model], np.zeros((1, len(ids)), dtype=int)),
            **{
                **unknown,
                "quality": column("score"),
                "cost_usd": column("cost_usd"),
                "latency_s": column("latency_s"),
                "prompt_tokens": column("prompt_tokens"),
                "completion_tokens": column("completion_tokens"),
                "failed_calls": column("failed"),
                "truncated": column("truncated"),
            },
        )


def endpoint_of(entry: Mapping[str, Any], suite: Suite) -> Endpoint:
    """From `{router: url:http://…, model: NAME, input_usd_per_mtok: …, output_usd_per_mtok: …, name: SHOWN}`."""
    options = dict(entry)
    url = str(options.pop("router")).removeprefix("url:")
    model = options.pop("model", None)
    name = str(options.pop("name", None) or model or url)
    prices = {key: options.pop(key, None) for key in ("input_usd_per_mtok", "output_usd_per_mtok")}
    if options:
        raise RecipeError(f"the router url:{url} has no {min(options)!r}; it takes model, name and two prices")
    if model is None or None in prices.values():
        raise RecipeError(
            f"the router url:{url} needs a model to name and its prices: write {{router: url:{url}, model: NAME,"
            " input_usd_per_mtok: 0.1, output_usd_per_mtok: 0.4}"
        )
    return Endpoint(
        name=name,
        url=url,
        model=str(model),
        prices={key: float(value or 0.0) for key, value in prices.items()},
        run_dir=suite.run_dir,
        max_tokens=suite.max_tokens,
        live=suite.live,
        budget_usd=suite.budget_usd,
    )
