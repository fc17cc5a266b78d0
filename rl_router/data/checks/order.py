"""Are the rows of all models in the same order? In a joined matrix, one shuffled column makes every oracle a lie.

Questions that are hard for one model are hard for another, so the scores of two models correlate, also within one
task. A model whose rows were shuffled correlates with nobody. Scores are centred per dataset, split and task first:
otherwise a model whose rows were shuffled within each task still follows the tasks' difficulty, and passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rl_router.data.checks.finding import Finding, Kind, some
from rl_router.data.table import RoutingTable

LINK = 0.15
"""Two models whose centred scores correlate this much share an order. On seven real tables the weakest link that holds
the models of one together was 0.28; once half of the models were shuffled, the strongest link between the halves was
0.08."""
SHARED_QUERIES = 200
"""Fewer cannot tell: the correlation of shuffled scores has a standard deviation of 1/√n, here 0.07."""
FEWEST_QUERIES = 40
"""From here to `SHARED_QUERIES` a model is suspected when it agrees with the others far less than they do among
themselves: by four standard errors of Fisher's z. In 100 random parts of 60 queries of each of five real tables, one
honest table at most was accused, and a shuffled model was found in 20 to 82; of 150 queries, 9 and 84 to 96."""
STANDARD_ERRORS = 4.0
SPREAD = 20.0
"""The least sum of squared centred scores: a model that is nearly always right has nothing to correlate."""


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """`with_mean`: correlation with the mean of the others. `centred`: the same within dataset, split and task."""

    model: str
    queries: int
    with_mean: float | None
    centred: float | None


def alignments(table: RoutingTable) -> list[Alignment]:
    scores = table.matrix("score")  # [n, m]
    within = _centred(scores, _groups(table))
    return [
        Alignment(
            model=model,
            queries=int((~np.isnan(scores[:, j])).sum()),
            with_mean=_with_mean(scores, j),
            centred=_with_mean(within, j),
        )
        for j, model in enumerate(table.models)
    ]


def order_findings(table: RoutingTable) -> list[Finding]:
    models = table.models
    centred = _centred(table.matrix("score"), _groups(table))
    if len(centred) < SHARED_QUERIES:
        return _suspicions(models, centred)
    parts = _components(centred)
    if len(parts) < 2:
        return []
    largest, *others = sorted(parts, key=len, reverse=True)
    if len(largest) == 1:
        text = (
            "no two models agree on which questions are hard: their rows are in different orders, or their scores are"
            " noise"
        )
        return [Finding(kind=Kind.ORDER, text=text, count=len(models), examples=some(models))]
    odd = [models[j] for part in others for j in part]
    text = (
        f"models whose scores have nothing to do with those of {models[largest[0]]} and {len(largest) - 1} more: their"
        " rows are in another order, or their scores are noise; import them again by query_id"
    )
    return [Finding(kind=Kind.ORDER, text=text, count=len(odd), examples=some(odd))]


def _suspicions(models: Sequence[str], centred: np.ndarray) -> list[Finding]:
    """What so few queries let one suspect."""
    found = {j: r for j in range(len(models)) if (r := _with_mean(centred, j)) is not None}
    if len(centred) < FEWEST_QUERIES or len(found) < 3:
        return []
    odd = []
    for j, r in found.items():
        usual = float(np.median([other for k, other in found.items() if k != j]))
        apart = np.arctanh(min(usual, 0.999)) - np.arctanh(min(r, 0.999))
        if r < LINK and apart > STANDARD_ERRORS / np.sqrt(len(centred) - 3):
            odd.append(models[j])
    text = (
        f"models whose scores have nothing to do with the others', as far as {len(centred)} queries can tell: their"
        " rows may be in another order; import them again by query_id"
    )
    return [Finding(kind=Kind.ORDER, text=text, count=len(odd), examples=some(odd))] if odd else []


def _groups(table: RoutingTable) -> np.ndarray:
    """[n] the number of each query's dataset, split and task."""
    numbers: dict[tuple[str, str, str], int] = {}
    kinds = [(q.dataset, q.split, q.task) for q in table.queries()]
    return np.array([numbers.setdefault(kind, len(numbers)) for kind in kinds])


def _centred(scores: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """[n, m] each model's scores less its mean in the group, NaN where unknown."""
    centred = scores.copy()
    for group in np.unique(groups):
        part = scores[groups == group]
        known = np.maximum((~np.isnan(part)).sum(axis=0), 1)
        centred[groups == group] = part - np.nansum(part, axis=0) / known
    return centred


def _with_mean(scores: np.ndarray, j: int) -> float | None:
    """Pearson's r of column `j` and the mean of the other known scores of each row."""
    others = np.delete(scores, j, axis=1)
    known = (~np.isnan(others)).sum(axis=1)
    both = (known > 0) & ~np.isnan(scores[:, j])
    own, mean = scores[both, j], np.nansum(others[both], axis=1) / known[both]
    if len(own) < 2 or own.std() < 1e-9 or mean.std() < 1e-9:
        return None
    return float(np.corrcoef(own, mean)[0, 1])


def _components(centred: np.ndarray) -> list[list[int]]:
    """Groups of models that hang together by links; models that cannot be judged are in none."""
    known = ~np.isnan(centred)
    filled = np.where(known, centred, 0.0)
    shared = known.T.astype(float) @ known  # [m, m] queries that both have
    squares = (filled**2).T @ known  # [m, m] squares of the row's model where the column's is known too
    products = filled.T @ filled
    judged = (shared >= SHARED_QUERIES) & (np.minimum(squares, squares.T) >= SPREAD)
    correlations = products / np.sqrt(np.maximum(squares * squares.T, 1e-12))
    np.fill_diagonal(judged, False)
    linked = judged & (correlations >= LINK)
    left, parts = set(np.flatnonzero(judged.any(axis=1)).tolist()), []
    while left:
        part, edge = set(), [min(left)]
        while edge:
            j = edge.pop()
            part.add(j)
            edge += [k for k in np.flatnonzero(linked[j]).tolist() if k not in part]
        parts.append(sorted(part))
        left -= part
    return parts
