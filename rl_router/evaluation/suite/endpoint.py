"""An OpenAI-compatible URL as a router: its replies are graded by each question's grader and priced as the suite says.

Nobody sees whom it asks behind its URL, so it stands with the routers that orchestrate, and what it spends on its own
thoughts is not told apart. Its calls are recorded in a folder of the run: another run asks again, because what stands
behind a URL may have changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rl_router.data.graders.grader import JUDGE
from rl_router.data.queries import write_queries
from rl_router.data.table import RoutingTable
from rl_router.errors import RecipeError
from rl_router.evaluation.suite.arena import Arena
from rl_router.evaluation.suite.failures import UNASKED, settled
from rl_router.evaluation.suite.live import endpoints_dir, left_usd
from rl_router.evaluation.suite.played import NUMBERS, Calls, Played
from rl_router.evaluation.suite.suite import Suite
from rl_router.observe.console import say
from rl_router.pipeline.collect import CollectJob, collect
from rl_router.pool.live_pool import LivePool
from rl_router.pool.spec import ModelSpec, load_specs, pool_path
from rl_router.types import Mode, Query


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """`model` is what the URL is told to be asked for, `prices` are USD per million tokens."""

    name: str
    url: str
    model: str
    prices: Mapping[str, float]
    suite: Suite
    is_seeded: bool = False

    @property
    def identity(self) -> str:
        return f"{self.url} {self.model} {dict(self.prices)}"

    @property
    def folder(self) -> Path:
        return endpoints_dir(self.suite) / "".join(c if c.isalnum() or c in "-_." else "_" for c in self.name)

    def play(self, arena: Arena, cost_weights: Sequence[float], seed: int, rows: np.ndarray) -> Iterator[Played]:
        """What a spent budget left unasked has no line: it is asked when the run goes on with a larger one."""
        queries = [arena.test.queries[i] for i in rows]
        table = settled(RoutingTable.read(collect(self._job(queries)).table))
        status = {row["query_id"]: row["status"] for row in table.frame.select("query_id", "status").to_dicts()}
        asked = [query for query in queries if status[query.query_id] not in UNASKED]
        if len(asked) < len(queries):
            say(f"{self.name} was asked {len(asked):,} of {len(queries):,} questions, then the budget was spent")
        if asked:
            yield self._played(arena, asked, table, seed)

    def _job(self, queries: Sequence[Query]) -> CollectJob:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_queries(self.folder / "queries.parquet", queries)
        entries = [{"name": self.name, "api_model": self.model, "endpoint": self.url, **self.prices}]
        judge = self.judge() if any(query.grader == JUDGE for query in queries) else None
        if judge is not None:
            entries.append({key: list(v) if isinstance(v, tuple) else v for key, v in asdict(judge).items()})
        (self.folder / "pool.yaml").write_text(yaml.safe_dump({"models": entries}), encoding="utf-8")
        live = self.suite.live
        return CollectJob(
            name=self.name,
            queries=self.folder / "queries.parquet",
            run_dir=self.folder,
            pool=LivePool(
                file=str(self.folder / "pool.yaml"),
                models=(self.name,),
                endpoint=live.endpoint,
                concurrency=live.concurrency,
            ),
            max_tokens=self.suite.max_tokens,
            judge=None if judge is None else judge.name,
            custom_tasks=self.suite.custom_tasks,
            budget_usd=left_usd(self.suite, self.folder),
        )

    def judge(self) -> ModelSpec:
        """The model of the suite's pool that grades."""
        name, pool = self.suite.live.judge, self.suite.pool
        if name is None or pool is None:
            raise RecipeError(
                f"a language model grades some of these questions, so {self.name} needs one: add pool=NAME and"
                " live.judge=MODEL, a model of it"
            )
        found = next((spec for spec in load_specs(pool_path(pool)) if spec.name == name), None)
        if found is None:
            raise RecipeError(f"the judge {name!r} is no model of the pool {pool}")
        if found.name == self.name:
            raise RecipeError(f"the router url:{self.url} is named like the judge {name!r}: give it another name")
        return found

    def _played(self, arena: Arena, asked: Sequence[Query], table: RoutingTable, seed: int) -> Played:
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
    endpoint = Endpoint(
        name=name,
        url=url,
        model=str(model),
        prices={key: float(value or 0.0) for key, value in prices.items()},
        suite=suite,
    )
    if suite.live.judge is not None:
        endpoint.judge()  # one that is not there is refused before anything is asked
    return endpoint
