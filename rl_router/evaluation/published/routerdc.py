"""RouterDC's table of single models, from the files its authors evaluate on (arXiv 2409.19886, table 1).

The row that we could check against the paper is pinned; the other six models are shown for reading.
"""

from __future__ import annotations

from rl_router.data.table import RoutingTable
from rl_router.evaluation.published.figure import Figure, only_ours, to_the_digit

SUITE = "RouterDC, test split"
TASKS = {"mmlu": "MMLU", "gsm8k": "GSM8K", "cmmlu": "CMMLU", "arc_challenge": "ARC-C", "humaneval": "HumanEval"}
PUBLISHED = {
    "cognitivecomputations/dolphin-2.9-llama3-8b": {
        "mmlu": 59.46, "gsm8k": 69.81, "cmmlu": 44.72, "arc_challenge": 49.43, "humaneval": 49.39,
    },
}  # fmt: skip


def figures(table: RoutingTable) -> list[Figure]:
    """The accuracy in percent of every model on every in-distribution task."""
    test = table.select(split="test_id")
    rows: list[Figure] = []
    for task, name in TASKS.items():
        part = test.select(task=task)
        scores = 100 * part.matrix("score", models=test.models)
        for model, accuracy in zip(test.models, scores.mean(axis=0), strict=True):
            quantity = f"{model.rpartition('/')[2]}, {name}, %"
            published = PUBLISHED.get(model, {}).get(task)
            if published is None:
                rows.append(only_ours(SUITE, quantity, float(accuracy), 2, n=len(scores)))
            else:
                source = "arXiv 2409.19886, table 1"
                rows.append(to_the_digit(SUITE, quantity, published, float(accuracy), 2, n=len(scores), source=source))
    return rows
