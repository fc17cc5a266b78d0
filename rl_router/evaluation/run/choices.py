"""Which model was asked first, by kind of query: the rows of choices.json, from outcomes of any router."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rl_router.episode.task import Task
from rl_router.evaluation.run.results import Outcome
from rl_router.types import Episode

DIRECT, MALFORMED, UNKNOWN = "(direct)", "(malformed)", "(no such model)"
FIRST_HOP = " (first hop)"

Choice = tuple[str, str]
"""(kind of query, model that was asked first)"""


def choice_of_episode(episode: Episode, task: Task) -> Choice:
    kind = task.label(episode.query)
    if not episode.calls:
        return kind, DIRECT if episode.format_ok else MALFORMED
    first = episode.calls[0]
    if first.model not in task.pool.names:
        return kind, UNKNOWN
    return kind, first.model + (FIRST_HOP if first.query != episode.query.text else "")


def choice_of_outcome(outcome: Outcome, kind: str) -> Choice:
    """Of a fixed strategy, which starts with the first hop whenever it decomposes."""
    if not outcome.models:
        return kind, DIRECT
    return kind, outcome.models[0] + (FIRST_HOP if outcome.decomposed else "")


def choice_rows(choices: Mapping[tuple[str, float], Sequence[Choice]], models: Sequence[str]) -> list[dict[str, Any]]:
    """`choices` maps (router, cost weight) to one choice per query. Shares of a router, weight and kind add up to 1.

    Rows are in the order of the pool's models, so that whoever lists the models by first appearance has that order.
    """
    order = [*models, *(name + FIRST_HOP for name in models), DIRECT, MALFORMED, UNKNOWN]
    rows = []
    for (router, weight), chosen in choices.items():
        sizes = Counter(kind for kind, _ in chosen)
        for (kind, model), n in sorted(Counter(chosen).items()):
            share = n / sizes[kind]
            rows.append({"router": router, "cost_weight": weight, "task": kind, "model": model, "share": share})
    return sorted(rows, key=lambda row: order.index(row["model"]))
