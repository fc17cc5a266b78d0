"""A clean routing table as polars columns, from which a test plants its fault."""

import numpy as np
import polars as pl
import pytest

MODELS = ("small", "medium", "large", "huge")


def clean_frame(queries=600, seed=0):
    """Two tasks, three splits (2/3 train), four models that find the same questions hard; each call priced."""
    rng = np.random.default_rng(seed)
    task = np.arange(queries) % 2
    ease = rng.normal(size=queries) - task  # the second task is harder
    rows = []
    for i in range(queries):
        split = ("train", "train", "train", "train", "val", "test")[(i // 2) % 6]
        for j, model in enumerate(MODELS):
            rows.append(
                {
                    "dataset": "demo",
                    "split": split,
                    "query_id": f"q{i}",
                    "query": f"What is {i} plus {i}?",
                    "task": f"task{task[i]}",
                    "ground_truth": str(2 * i),
                    "model": model,
                    "score": float(ease[i] + 0.5 * j + 0.7 * rng.normal() > 0.8),
                    "cost_usd": 0.001 * 2**j,
                    "prompt_tokens": 10,
                    "completion_tokens": 5,
                    "response": "…",
                }
            )
    return pl.DataFrame(rows)


@pytest.fixture(scope="session")
def clean():
    return clean_frame()
