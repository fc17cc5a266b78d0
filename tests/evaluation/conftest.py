"""A table small enough to work out by hand: two tasks, a small and a large model, train and test alike.

       quality           cost_usd
       small   large     small    large
sum    1       1         0.001    0.010      three queries of each task and split;
proof  0       1         0.001    0.010      texts differ between the splits
"""

import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.evaluation.suite.sources import replayed_arena
from rl_router.evaluation.suite.suite import Suite

QUALITY = {("sum", "small"): 1.0, ("sum", "large"): 1.0, ("proof", "small"): 0.0, ("proof", "large"): 1.0}
COST_USD = {"small": 0.001, "large": 0.010}


def rows_of(quality=QUALITY, per_task=3):
    return [
        {
            "dataset": "hand", "split": split, "query_id": f"{split}/{task}/{i}", "query": f"{split} {task} word{i}",
            "task": task, "ground_truth": "yes", "model": model, "score": quality[task, model],
            "cost_usd": COST_USD[model], "prompt_tokens": 10, "completion_tokens": 20 if model == "large" else 5,
            "response": "yes",
        }
        for split in ("train", "test")
        for task in ("sum", "proof")
        for i in range(per_task)
        for model in ("small", "large")
    ]  # fmt: skip


@pytest.fixture
def table_path(tmp_path):
    path = tmp_path / "table.parquet"
    RoutingTable(pl.DataFrame(rows_of())).write(path)
    return path


@pytest.fixture
def suite_of(table_path, tmp_path):
    def make(**changes):
        values = {"name": "hand", "run_dir": tmp_path / "run", "table": table_path, "cost_weights": (0.0, 0.5, 2.0)}
        return Suite(**(values | changes))

    return make


@pytest.fixture
def arena(suite_of, table_path):
    return replayed_arena(suite_of(), RoutingTable.read(table_path))
