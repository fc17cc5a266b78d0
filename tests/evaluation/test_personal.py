"""How routers that know their users are judged, on two users whose likes can be counted by hand."""

import json

import numpy as np
import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.evaluation.personal import JUDGED, judge, report

LIKED = {  # (user, query): how well each of a, b and c is liked
    ("ann", "q1"): (1.0, 0.5, 0.0),
    ("ann", "q2"): (0.5, 1.0, 0.49),  # a and c are liked alike, to two hundredths
    ("bob", "q3"): (0.0, 0.0, 1.0),
}


class AlwaysThisOrder:
    """a before b before c, whoever asks."""

    models_ = ("a", "b", "c")

    def scores(self, queries):
        return np.tile([0.9, 0.5, 0.1], (len(queries), 1))


def table():
    rows = [
        {
            "dataset": "d", "split": "test", "query_id": name, "query": name, "task": "t", "ground_truth": None,
            "model": model, "score": score, "cost_usd": 0.0, "prompt_tokens": 1, "completion_tokens": 1,
            "response": "yes", "meta": json.dumps({"user": user}),
        }
        for (user, name), liked in LIKED.items()
        for model, score in zip("abc", liked, strict=True)
    ]  # fmt: skip
    return RoutingTable(pl.DataFrame(rows, schema_overrides={"ground_truth": pl.String}))


def test_best_picks_liking_and_auc_are_means_for_each_user():
    best, liked, auc = judge(AlwaysThisOrder(), table())
    assert best == [0.5, 0.0]  # ann likes a best once of twice, bob never
    assert liked == [0.75, 0.0]
    # ann: all three pairs of q1 are right; of q2 a-b is wrong, a-c is no pair, b-c is right. bob: a-b is no pair,
    # a-c and b-c are wrong
    assert auc == [pytest.approx(4 / 5), 0.0]


def test_the_report_pairs_every_router_with_gmtrouter_over_all_users_and_seeds():
    def row(name, seed, liked):
        return {"router": name, "seed": seed, "best": liked, "liked": liked, "auc": liked}

    rows = [row(name, seed, [0.6, 0.8] if name == "gmtrouter" else [0.5, 0.7]) for name in JUDGED for seed in range(5)]
    lines = report(rows).splitlines()
    assert len(lines) == 2 + len(JUDGED)
    assert "| 0.600 ± 0.033 | 0.600 ± 0.033 | 0.600 ± 0.033 | +0.100 (p = 0.00" in lines[2]
    assert lines[-1].startswith("| `gmtrouter` | 0.700") and "p =" not in lines[-1]
