"""A whole table of a suite, planted with a tie and with a gap: how often its verdict is the right one over 100 seeds.

n = 2,000 queries. Routers over one pool share most of their answers: A and B differ on a tenth of the queries, B being
right on half of that tenth (a tie) or on 35 % of it (a gap of 0.1 · (0.65 − 0.35) = 3 points). The reference rows that
every suite has stand beside them, so Holm's correction counts their pairs too.
"""

from itertools import combinations

import numpy as np
import pytest

from rl_router.evaluation.statistics.comparison import compare_tables

QUERIES, SEEDS = 2_000, 100


def table(seed: int, gap: float) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(seed)
    hard = chance.random(QUERIES)

    def right(skill: float, noise: float = 0.15) -> np.ndarray:
        return (hard + chance.normal(0, noise, QUERIES) < skill).astype(float)

    a = right(0.7)
    disputed, a_wins = chance.random(QUERIES) < 0.1, chance.random(QUERIES) < 0.5 + gap / 0.2
    b = np.where(disputed, 1.0 - a_wins, a)
    a = np.where(disputed, a_wins.astype(float), a)
    strongest = right(0.68)
    return {
        "a": a, "b": b, "random": right(0.5), "cheapest": right(0.4), "strongest": strongest, "best_single": strongest,
        "best_per_task": right(0.71), "knn": right(0.69), "oracle": np.maximum.reduce([a, b, strongest, right(0.6)]),
    }  # fmt: skip


@pytest.mark.parametrize(("gap", "expected", "at_least"), [(0.0, "no difference", 94), (0.03, "better", 90)])
def test_a_planted_tie_is_reported_as_a_tie_and_a_planted_gap_as_one(gap, expected, at_least):
    tables = [table(seed, gap) for seed in range(SEEDS)]
    pairs = list(combinations(tables[0], 2))
    found = compare_tables([(values, pairs) for values in tables], rng=np.random.default_rng(0))
    verdicts = [next(row.verdict.value for row in rows if (row.router, row.other) == ("a", "b")) for rows in found]
    assert verdicts.count(expected) >= at_least
