"""Who asked what, in which session, and how they liked the answers: JSON lines, one session each, to a routing table.

    {"session": "s1", "user": "ada", "turns": [
      {"query": "how many primes are below 100", "task": "maths", "answers": [
        {"model": "small", "response": "There are 25.", "rating": 0.75, "cost_usd": 0.00002},
        {"model": "large", "response": "25: 2, 3, 5 and so on", "rating": 1.0}]},
      {"query": "and below 10", "preferred": "small", "answers": [{"model": "small", "response": "4"},
        {"model": "large", "response": "Let us see. 2, 3, 5, 7."}]}]}

A turn has ratings in 0..1, or the name of the `preferred` answer, or `"preferred": null` for a tie; `task`, `response`
and `cost_usd` may be missing. In the table a preference is a score of 1 for what was preferred and 0 for the rest, a
tie 0.5 for all; user, session and turn are in `meta`, where routers that know users look for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from rl_router.data.schema import SCHEMA
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.types import Query

USER = "user"
"""The key of `Query.meta` that says who asks."""


def user_of(query: Query) -> str:
    """'' when nobody said."""
    return str(query.meta.get(USER) or "")


def sessions_table(
    sessions: Iterable[tuple[str, Mapping[str, Any]]], *, split: str = "train", where: str = "sessions"
) -> RoutingTable:
    """The table of (where it is from, session) pairs."""
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for place, session in sessions:
        name, user = _text(session, "session", place), _text(session, "user", place)
        if name in seen:
            raise DataError(f"The session {name!r} comes twice, the second time in {place}; give each its own name.")
        seen.add(name)
        turns = session.get("turns")
        if not isinstance(turns, list) or not turns:
            raise DataError(f"Expected a list of turns in {place}, got {turns!r}.")
        for number, turn in enumerate(turns):
            rows += _rows(turn, number, name, user, split, f"turn {number + 1} of {place}")
    if not rows:
        raise DataError(f"The {where} hold no turn; write one JSON object per session and line.")
    return RoutingTable(pl.DataFrame(rows, schema={**SCHEMA, "meta": pl.String}), where=where)


def _rows(turn: Any, number: int, session: str, user: str, split: str, where: str) -> Iterator[dict[str, Any]]:
    if not isinstance(turn, dict):
        raise DataError(f"Expected a JSON object for {where}, got {turn!r}.")
    query, answers = _text(turn, "query", where), turn.get("answers")
    if not isinstance(answers, list) or not answers:
        raise DataError(f"Expected a list of answers in {where}, got {answers!r}.")
    models = [_text(answer if isinstance(answer, dict) else {}, "model", where) for answer in answers]
    scores = _scores(turn, answers, models, where)
    for answer, model, score in zip(answers, models, scores, strict=True):
        yield {
            "dataset": str(turn.get("task") or "sessions"),
            "split": split,
            "query_id": f"{session}/{number}",
            "query": query,
            "task": str(turn.get("task") or "sessions"),
            "ground_truth": None,
            "model": model,
            "score": score,
            "cost_usd": answer.get("cost_usd"),
            "prompt_tokens": None,
            "completion_tokens": None,
            "response": answer.get("response"),
            "meta": json.dumps({USER: user, "session": session, "turn": number}, ensure_ascii=False),
        }


def _scores(turn: Mapping[str, Any], answers: list[Any], models: list[str], where: str) -> list[float | None]:
    if "preferred" not in turn:
        return [_rating(answer, where) for answer in answers]
    preferred = turn["preferred"]
    if preferred is None:
        return [0.5] * len(models)
    if preferred not in models:
        raise DataError(f"{preferred!r} is preferred in {where}, where {', '.join(models)} answered.")
    return [float(model == preferred) for model in models]


def _rating(answer: Mapping[str, Any], where: str) -> float | None:
    rating = answer.get("rating")
    if rating is None:
        return None
    if not isinstance(rating, int | float) or isinstance(rating, bool) or not 0 <= rating <= 1:
        raise DataError(
            f"Expected a rating from 0 to 1 in {where}, got {rating!r}; of five stars take (stars - 1) / 4."
        )
    return float(rating)


def _text(record: Mapping[str, Any], name: str, where: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise DataError(f"Expected {name} as a text in {where}, got {value!r}.")
    return value
