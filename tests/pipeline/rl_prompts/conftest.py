"""A pool of six models in three tiers, and a table of twelve questions of rising difficulty."""

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.pipeline.rl_prompts import PromptsJob
from rl_router.pipeline.rl_prompts.job import Source

TIERS = {"a1": "small", "a2": "small", "a3": "small", "b1": "medium", "b2": "medium", "c1": "large"}


@pytest.fixture
def pool_file(tmp_path):
    models = ", ".join(
        f"{{name: {name}, tier: {tier}, input_usd_per_mtok: 1, output_usd_per_mtok: 2, description: Model {name}.}}"
        for name, tier in TIERS.items()
    )
    path = tmp_path / "pool.yaml"
    path.write_text(f"models: [{models}]")
    return str(path)


@pytest.fixture
def table_file(tmp_path):
    """Question i is right by the first 6 - i//2 models: pass rates 1, 1, 5/6, 5/6, … 1/6, 1/6; two test questions."""
    rows = [
        {
            "dataset": "nq" if i % 2 else "hotpot",
            "split": "train" if i < 12 else "test",
            "query_id": f"q{i}",
            "query": f"question number {i}",
            "task": "even" if i % 2 == 0 else "odd",
            "ground_truth": f'["{i}", "number {i}"]',
            "model": model,
            "score": float(j < 6 - i // 2),
            "cost_usd": 0.001,
            "prompt_tokens": 1,
            "completion_tokens": 1,
            "response": None,
        }
        for i in range(14)
        for j, model in enumerate(TIERS)
    ]
    path = tmp_path / "table.parquet"
    RoutingTable(pl.DataFrame(rows)).write(path)
    return path


@pytest.fixture
def job(pool_file, table_file, tmp_path):
    def make(**changes):
        source = Source(table=table_file, **changes.pop("source", {}))
        return PromptsJob(**({"sources": {"s": source}, "pool": pool_file, "out": tmp_path / "out"} | changes))

    return make
