"""Between two models: how much of the strong one's lead each router recovers, from the lines alone.

RouteLLM's metrics are those of a router that orders questions, so they need no cost weight: the order is the `lead`
that every router with a dial has in its lines. One block per data set, as RouteLLM reports them.
"""

from __future__ import annotations

import numpy as np

from rl_router.evaluation.metrics.selection import known_mean
from rl_router.evaluation.suite.results import MODEL, Board
from rl_router.evaluation.two_models.pair import conversations
from rl_router.evaluation.two_models.recovery import LENGTH, Recovery, recoveries_beside_length

STRONGEST, PROMPT_LENGTH = "strongest", "prompt_length"
SEED = 0
"""Of the bootstrap; the same lines give the same table."""


def recoveries_of(board: Board) -> dict[str, tuple[Recovery, ...]]:
    """Data set -> rows. Empty unless there are two models. Of several seeds the first is shown."""
    if len(board.models) != 2 or not {STRONGEST, PROMPT_LENGTH} <= set(board.columns):
        return {}
    strong = MODEL + next(iter(board.columns[STRONGEST][0].traffic))
    weak = next(model for model in board.models if model != strong)
    quality = np.array([board.columns[model][0]["quality"][0] for model in (weak, strong)])  # [2, n]
    leads = {router: board.columns[router][0]["lead"][0] for router in board.routers}
    found = {}
    for dataset in dict.fromkeys(board.datasets):
        turns = _turns(board, dataset)
        scores = np.array([known_mean(quality[:, rows], axis=1) for rows in turns]).T  # [2, conversations]
        first = [rows[0] for rows in turns]
        judged = ~np.isnan(scores).any(axis=0)
        rates = {name: lead[first] for name, lead in leads.items() if not np.isnan(lead[first][judged]).any()}
        if PROMPT_LENGTH in rates and known_mean(scores[1] - scores[0]) > 0:  # else there is no lead to recover
            rates[LENGTH] = rates.pop(PROMPT_LENGTH)
            rows = recoveries_beside_length(scores[0], scores[1], rates, rng=np.random.default_rng(SEED))
            found[f"{dataset}: {weak.removeprefix(MODEL)} or {strong.removeprefix(MODEL)}"] = tuple(rows)
    return found


def _turns(board: Board, dataset: str) -> list[list[int]]:
    """Rows of each conversation, its first turn first."""
    place = {q: i for i, (q, of) in enumerate(zip(board.query_ids, board.datasets, strict=True)) if of == dataset}
    return [[place[turn] for turn in sorted(turns)] for turns in conversations(place).values()]
