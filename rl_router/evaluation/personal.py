"""Do routers that know their users give new users what they like? On synthetic users, whose taste is known.

A new user is known by `support` rated turns, or by none, and then asks: of each router, how often it picks the answer
that this user likes best of all, how well they like what they get, and the AUC of its scores (the chance that of two
answers of which one is liked better, it scores that one higher). Users are the units of the paired tests.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rl_router.data.interactions import user_of
from rl_router.data.table import RoutingTable
from rl_router.data.tastes import Study, synthetic_users
from rl_router.evaluation.statistics.paired import sign_flips
from rl_router.observe.console import StepProgress
from rl_router.observe.files import append_lines, read_lines
from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.gmtrouter import GmtRouter
from rl_router.routers.knn import Knn
from rl_router.routers.personalizedrouter import PersonalizedRouter
from rl_router.routers.ridge import Ridge
from rl_router.routers.router import Router
from rl_router.routers.user_elo import UserElo
from rl_router.routers.user_knn import UserKnn

TELLING = 0.02
"""Two answers that are liked alike to this are no pair for the AUC."""
JUDGED: Mapping[str, tuple[Callable[[int], Router], bool]] = {
    "best_per_task": (lambda seed: BestPerTask(), False),
    "knn": (lambda seed: Knn(), False),
    "ridge": (lambda seed: Ridge(), False),
    "user_elo": (lambda seed: UserElo(), True),
    "user_knn": (lambda seed: UserKnn(), True),
    "personalizedrouter": (lambda seed: PersonalizedRouter(seed=seed), True),
    "gmtrouter, 0 turns": (lambda seed: GmtRouter(seed=seed), False),
    "gmtrouter": (lambda seed: GmtRouter(seed=seed), True),
}
"""Routers by the name of their row, made from a seed, and whether the new users' rated turns are told to them."""


@dataclass(frozen=True, kw_only=True)
class Liked:
    """Of one router and one seed, per new user [u]: share of best picks, how well liked, AUC. Seconds to join."""

    router: str
    seed: int
    best: list[float]
    liked: list[float]
    auc: list[float]


def judge(router: Router, test: RoutingTable) -> tuple[list[float], list[float], list[float]]:
    queries, models = test.queries(), router.models_
    truth = test.matrix("score", [query.query_id for query in queries], models)  # [n, m]
    scores = router.scores(queries)
    chosen, best = scores.argmax(axis=1), truth.argmax(axis=1)
    users = np.array([user_of(query) for query in queries])
    got = truth[np.arange(len(chosen)), chosen]
    first, second = np.triu_indices(len(models), 1)
    gap, said = truth[:, first] - truth[:, second], scores[:, first] - scores[:, second]
    right = np.where(said == 0, 0.5, np.sign(gap) == np.sign(said))
    right[np.abs(gap) <= TELLING] = np.nan
    names = sorted(set(users))
    return (
        [float((chosen == best)[users == user].mean()) for user in names],
        [float(got[users == user].mean()) for user in names],
        [float(np.nanmean(right[users == user])) for user in names],
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Routers that know their users, on synthetic users.")
    parser.add_argument("table", type=Path, help="a routing table with the answers of every model")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--out", type=Path, default=Path("runs/users.jsonl"))
    args = parser.parse_args(arguments)
    table = RoutingTable.read(args.table)
    done = {(row["router"], row["seed"]) for row in read_lines(args.out)}
    jobs = [(seed, name) for seed in args.seeds for name in JUDGED if (name, seed) not in done]
    studies: dict[int, _Study] = {}
    with StepProgress("routers", len(jobs)) as progress:
        for step, (seed, name) in enumerate(jobs, start=1):
            if seed not in studies:
                studies = {seed: _Study(synthetic_users(table, Study(), seed=seed), seed)}
            best, liked, auc = judge(studies[seed].router(name), studies[seed].test)
            append_lines(args.out, [asdict(Liked(router=name, seed=seed, best=best, liked=liked, auc=auc))])
            progress.update(step, {})
    rows = [row for row in read_lines(args.out) if row["seed"] in args.seeds]
    print(report(rows))
    print(joining(table, args.seeds[0]))
    return 0


class _Study:
    """The users of one seed, and what was fitted on them: rows of one router fit it once."""

    def __init__(self, users: RoutingTable, seed: int) -> None:
        self._fit, self._support, self.test = (users.select(split=split) for split in ("train", "support", "test"))
        self._seed = seed
        self._fitted: dict[type[Router], Router] = {}

    def router(self, name: str) -> Router:
        make, joins = JUDGED[name]
        router = make(self._seed)
        found = self._fitted.get(type(router)) or router.fit(self._fit)
        self._fitted[type(router)] = found
        return found.joined(self._support) if joins else found  # type: ignore[attr-defined]


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table: means ± standard errors over users and seeds, and the paired test against `gmtrouter`."""
    by_name = {
        name: {
            measure: np.concatenate([row[measure] for row in rows if row["router"] == name])
            for measure in ("best", "liked", "auc")
        }
        for name in JUDGED
    }
    lines = [
        "| router | picks what is liked best | liked | AUC | gmtrouter is liked more by |",
        "|---|---|---|---|---|",
    ]
    for name, values in by_name.items():
        cells = [f"{v.mean():.3f} ± {v.std(ddof=1) / np.sqrt(len(v)):.3f}" for v in values.values()]
        gain = by_name["gmtrouter"]["liked"] - values["liked"]
        chance = float(sign_flips(gain[:, None], draws=10_000, rng=np.random.default_rng(0))[0])
        last = "" if name == "gmtrouter" else f"{gain.mean():+.3f} (p = {chance:.4f})"
        lines.append(f"| `{name}` | {' | '.join(cells)} | {last} |")
    return "\n".join(lines)


def joining(table: RoutingTable, seed: int) -> str:
    """How long a new user and a new model take to join, in one line of JSON."""
    users = synthetic_users(table, Study(), seed=seed)
    fit, support = users.select(split="train"), users.select(split="support")
    new = table.models[-1]
    router = GmtRouter(seed=seed).fit(fit.select(models=[model for model in fit.models if model != new]))
    one = user_of(support.queries()[0])
    mine = [query.query_id for query in support.queries() if user_of(query) == one]
    user = support.part(support.frame.filter(support.frame["query_id"].is_in(mine) & (support.frame["model"] != new)))
    model = fit.part(fit.frame.filter(fit.frame["model"] == new).head(50))
    taken = {}
    for what, part in (("a user of 8 turns", user), ("a model of 50 answers", model)):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            router.joined(part)
            times.append(time.perf_counter() - start)
        taken[f"{what} joins in, ms"] = round(1000 * float(np.median(times)), 1)
    return json.dumps(taken)
