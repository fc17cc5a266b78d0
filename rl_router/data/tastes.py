"""Synthetic users: people with a stated taste who rate real recorded answers. Nobody's preferences are in here.

A taste is a weight on the quality of an answer and on its shape (`answer_shape`). A user has the taste of a profile and
a little of their own. What they feel of an answer is Σ weight · z, with every z in standard deviations over all answers
to all questions; a rating is the logistic of that in five stars, with noise before it is rounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from rl_router.data.answer_shape import SHAPES, answer_shapes
from rl_router.data.interactions import USER
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.types import Query

PROFILES: dict[str, dict[str, float]] = {
    "right above all": {"quality": 2.5},
    "brief": {"quality": 1.0, "length": -1.5, "lines": -1.0},
    "thorough": {"quality": 1.0, "length": 1.5, "lines": 1.0},
    "well laid out": {"quality": 1.0, "lists": 1.5, "emphasis": 1.5, "headings": 1.0},
    "plain words": {"quality": 1.0, "emphasis": -1.2, "headings": -1.2, "formulas": -1.2},
    "show the formulas": {"quality": 1.0, "formulas": 2.0, "code": 1.0},
}


@dataclass(frozen=True, kw_only=True)
class Study:
    """How many users ask how much. Each turn shows `shown` models, drawn at random."""

    users: int = 240
    new_users: int = 60
    turns: int = 24
    """Of each of the `users`, for fitting."""
    support: int = 8
    """Of each new user, before they are judged."""
    judged: int = 12
    """Of each new user, with every model rated as they truly feel."""
    shown: int = 2
    own: float = 0.3
    """Standard deviation of what a user's weights have of their own."""
    noise: float = 0.4
    """Standard deviation of a feeling, before it is rounded to stars."""
    profiles: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: PROFILES)


def synthetic_users(table: RoutingTable, study: Study, *, seed: int) -> RoutingTable:
    """Splits `train` (users), `support` and `test` (new users); the queries of `test` are in no other split.

    The rows of `test` carry the true feeling as `score`, without noise and not rounded; the others the stars.
    DataError when `table` lacks answers, or questions enough.
    """
    rng = np.random.default_rng(seed)
    models, ids = tuple(sorted(table.models)), _answered(table)
    if len(ids) < 4 * study.judged:
        raise DataError(f"The {table.where} has {len(ids)} questions that every model answered; tastes need more.")
    feelings = _features(table, ids, models)  # [n, m, f]
    questions = {query.query_id: query for query in table.queries()}
    order = rng.permutation(len(ids))
    for_test, for_others = order[: len(ids) // 4], order[len(ids) // 4 :]
    rows: list[dict[str, object]] = []
    names = list(study.profiles)
    for number in range(study.users + study.new_users):
        new = number >= study.users
        profile = names[number % len(names)]
        user = f"{'new' if new else 'user'}{number:04d}"
        weights = np.array([study.profiles[profile].get(name, 0.0) for name in ("quality", *SHAPES)])
        weights = weights + rng.normal(0.0, study.own, len(weights))
        felt = feelings @ weights  # [n, m]
        plan = [("support", for_others, study.support), ("test", for_test, study.judged)]
        for split, pool, turns in plan if new else [("train", for_others, study.turns)]:
            for turn, i in enumerate(rng.choice(pool, size=turns, replace=False)):
                shown = range(len(models)) if split == "test" else sorted(rng.choice(len(models), study.shown, False))
                noise = 0.0 if split == "test" else study.noise
                stars = felt[i] + rng.normal(0.0, 1.0, len(models)) * noise
                for j in shown:
                    liked = 1.0 / (1.0 + np.exp(-stars[j]))
                    score = liked if split == "test" else round(4.0 * liked) / 4.0
                    rows.append(_row(table, questions[ids[i]], models[j], user, profile, split, turn, float(score)))
    return RoutingTable(pl.DataFrame(rows, infer_schema_length=None), where=f"synthetic users over the {table.where}")


def _row(
    table: RoutingTable, query: Query, model: str, user: str, profile: str, split: str, turn: int, score: float
) -> dict[str, object]:
    cell = table.cell(query.query_id, model)
    assert cell is not None  # `_answered` has seen to it
    return {
        "dataset": "synthetic_users",
        "split": split,
        "query_id": f"{user}/{split}/{turn}",
        "query": query.text,
        "task": query.task,
        "ground_truth": None,
        "model": model,
        "score": score,
        "cost_usd": cell.cost_usd,
        "prompt_tokens": cell.prompt_tokens,
        "completion_tokens": cell.completion_tokens,
        "response": cell.response,
        "meta": json.dumps({USER: user, "profile": profile, "session": f"{user}/{split}", "turn": turn}),
    }


def _features(table: RoutingTable, ids: Sequence[str], models: Sequence[str]) -> np.ndarray:
    """[n, m, 1 + 8] quality and shape of every answer, each in standard deviations."""
    quality = table.matrix("score", ids, models)
    texts = [cell.response or "" for i in ids for model in models if (cell := table.cell(i, model))]
    shapes = answer_shapes(texts).reshape(len(ids), len(models), len(SHAPES))
    both = np.concatenate([quality[:, :, None], shapes], axis=2)
    spread = both.std(axis=(0, 1))
    return np.asarray((both - both.mean(axis=(0, 1))) / np.where(spread > 0, spread, 1.0))


def _answered(table: RoutingTable) -> list[str]:
    """The ids of the questions that every model of the table has answered and been graded on, sorted."""
    graded = table.frame.filter(pl.col("score").is_not_null() & pl.col("response").is_not_null())
    counts = graded.group_by("query_id").len().filter(pl.col("len") == len(table.models))
    return sorted(counts["query_id"].to_list())
