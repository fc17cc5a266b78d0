"""Are the scores grades? Probabilities where correctness is meant turn a wrong answer into half a right one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from rl_router.data.checks.finding import Finding, Kind, some

BETWEEN = 100
"""Scores strictly between 0 and 1 that a task needs before their values say anything."""
LARGEST_DENOMINATOR = 64


def score_findings(frame: pl.DataFrame) -> list[Finding]:
    return [*_probabilities(frame), *_ungraded(frame), *_constant(frame)]


def looks_like_probabilities(scores: np.ndarray) -> bool:
    """Grades between 0 and 1 are fractions (7 of 10 attempts, F1) and come again; probabilities are neither."""
    between = scores[(scores > 0) & (scores < 1)]
    if len(between) < BETWEEN or len(np.unique(between)) < 0.5 * len(between):
        return False
    return float(_is_simple_fraction(between).mean()) < 0.5


def _is_simple_fraction(values: np.ndarray) -> np.ndarray:
    """[n] within what 32-bit numbers resolve of k/d for a small d."""
    simple = np.zeros(len(values), dtype=bool)
    for d in range(2, LARGEST_DENOMINATOR + 1):
        simple |= np.abs(values * d - np.round(values * d)) < 1e-6 * d
    return simple


def _probabilities(frame: pl.DataFrame) -> Iterator[Finding]:
    kinds = frame.drop_nulls("score").group_by("dataset", "task", maintain_order=True).agg("score")
    tasks = [task for _, task, scores in kinds.iter_rows() if looks_like_probabilities(np.array(scores))]
    if tasks:
        text = "tasks whose scores look like probabilities or similarities, not grades; store what was right"
        yield Finding(kind=Kind.SCORE, text=text, count=len(tasks), examples=some(tasks))


def _ungraded(frame: pl.DataFrame) -> Iterator[Finding]:
    unknown = frame.group_by("model", maintain_order=True).agg(pl.col("score").null_count().alias("unknown"), pl.len())
    unknown = unknown.filter(pl.col("unknown") > 0)
    if unknown.height:
        examples = some(f"{model}: {n} of {rows} rows" for model, n, rows in unknown.iter_rows())
        count = int(unknown["unknown"].sum())
        yield Finding(kind=Kind.SCORE, text="answers are not graded", count=count, examples=examples, fault=False)


def _constant(frame: pl.DataFrame) -> Iterator[Finding]:
    spread = frame.group_by("model", maintain_order=True).agg(pl.col("score").n_unique().alias("values"), pl.len())
    constant = spread.filter((pl.col("values") == 1) & (pl.col("len") >= BETWEEN))["model"]
    if len(constant):
        text = "models have the same score on every query; was it ever graded?"
        yield Finding(kind=Kind.SCORE, text=text, count=len(constant), examples=some(constant), fault=False)
