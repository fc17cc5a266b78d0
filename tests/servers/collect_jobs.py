"""Jobs of `collect` that ask a loopback server, with prices that tell its models apart."""

import json
from pathlib import Path

from rl_router.data.queries import write_queries
from rl_router.data.table import RoutingTable
from rl_router.pipeline.collect import CollectJob
from rl_router.pool.live_pool import LivePool
from rl_router.types import Query

PRICES = {f"model-{i}": (0.1 * 3**i, 0.025 * 3**i, 0.4 * 3**i) for i in range(6)}  # fresh, cached, output


def job(folder: Path, url: str, *, models: int = 2, queries: Path | None = None, **changes) -> CollectJob:
    of_pool = {
        "file": str(pool_file(folder, models)), "endpoint": url, "concurrency": 64, "backoff_s": 0.02,
        "call_timeout_s": 2.0, **changes.pop("pool", {}),
    }  # fmt: skip
    queries = queries or queries_file(folder, changes.pop("count", 20))
    made = {"name": "test", "queries": queries, "run_dir": folder / "run", "max_tokens": 100} | changes
    return CollectJob(**made, pool=LivePool(**of_pool))


def rows(path: Path) -> list[dict]:
    return RoutingTable.read(path).frame.to_dicts()


def pool_file(folder: Path, models: int) -> Path:
    path = folder / "pool.yaml"
    entries = [
        {"name": name, "input_usd_per_mtok": fresh, "cached_input_usd_per_mtok": cached, "output_usd_per_mtok": out}
        for name, (fresh, cached, out) in list(PRICES.items())[:models]
    ]
    path.write_text(json.dumps({"models": entries}))
    return path


def queries_file(folder: Path, count: int) -> Path:
    path = folder / "queries.parquet"
    write_queries(path, [question(i) for i in range(count)])
    return path


def question(i: int) -> Query:
    return Query(query_id=f"q{i}", text=f"what is {i} and {i}", answers=(str(2 * i),), task="sum", dataset="sums",
                 split="train", grader="exact_match")  # fmt: skip
