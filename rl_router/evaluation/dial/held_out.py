"""Whether a policy routes to a model that it has never seen, when the description says that it should.

One model of each pool is watched. It is better and cheaper than the three beside it at the question's kind, or worse
and dearer, as their descriptions say; it was in training pools, or it was held out. A policy
that reads asks the first kind and not the second, whether it has seen them or not. A policy that knows letters or names
does not: chance is one in four.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from rl_router.episode.profiles import PRICE, levels
from rl_router.errors import RecipeError, RouterError
from rl_router.evaluation.run.harness import job_of
from rl_router.evaluation.run.pooled_baselines import PooledBaselines
from rl_router.evaluation.run.questions import held_out
from rl_router.evaluation.run.trained import TrainedRouter
from rl_router.observe.console import say
from rl_router.observe.run_folder import RunFolder
from rl_router.policy.play import play
from rl_router.rl.setting import Setting
from rl_router.types import Episode, Query

ROLES = ("better and cheaper", "worse and dearer")


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How often the watched model was asked, of `n` questions."""

    policy: str
    role: str
    unseen: bool
    cost_weight: float
    share: float
    n: int

    @property
    def error(self) -> float:
        return sqrt(self.share * (1.0 - self.share) / self.n)


@dataclass(frozen=True, kw_only=True)
class Earned:
    """Mean rewards on pools of three models of the training and one that was held out."""

    cost_weight: float
    policy: float
    warm_start: float
    random: float
    best_table: float
    best_table_without: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Case:
    query: Query
    models: tuple[str, ...]
    watched: str


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Routes to models that a policy has never seen.")
    parser.add_argument("run", type=Path, help="a run of `rl-router train held_out`")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    try:
        watched, earned = measure(args.run)
    except RouterError as error:
        say(f"held_out_models: {error}")
        return error.exit_code
    found = {"watched": [asdict(w) for w in watched], "earned": [asdict(e) for e in earned]}
    print(json.dumps(found, indent=2) if args.json else markdown(watched, earned))
    return 0


def measure(run: Path) -> tuple[list[Watched], list[Earned]]:
    folder = RunFolder.open(run)
    setting = Setting.of(job_of(folder, {}))
    if setting.job.pools.size is None or not setting.job.pools.held_out:
        raise RecipeError(f"{run} draws no pools per sample or holds no model out: train the recipe held_out")
    queries = held_out(setting)
    policies = [
        TrainedRouter.load(name, path, setting)
        for name, path in (("policy", folder.policy), ("warm_start", folder.warm_start))
    ]
    watched: list[Watched] = []
    for role in ROLES:
        for unseen in (True, False):
            cases = dominated_cases(setting, queries, role, unseen)
            for policy in policies:
                watched += [_watch(policy, role, unseen, cases, w) for w in setting.job.cost_weights]
    return watched, _earned(setting, queries, policies)


def dominated_cases(setting: Setting, queries: Sequence[Query], role: str, unseen: bool) -> list[Case]:
    """For each question a pool in which one model is better and cheaper, or worse and dearer, than all others."""
    known, strange = _split(setting)
    profiles = {spec.name: levels(spec.description) for spec in setting.task.pool.specs}
    cases = []
    for query in queries:
        rng, kind = Random(f"{role} {unseen} {query.query_id}"), query.task.replace("_", "")
        for watched in rng.sample(strange if unseen else known, len(strange if unseen else known)):
            mine = profiles[watched]
            beside = [
                name
                for name in known
                if name != watched and _beats(mine, profiles[name], kind) == (1 if role == ROLES[0] else -1)
            ]
            if len(beside) >= (setting.job.pools.size or 0) - 1:
                models = [watched, *rng.sample(beside, (setting.job.pools.size or 0) - 1)]
                rng.shuffle(models)
                cases.append(Case(query=query, models=tuple(models), watched=watched))
                break
    return cases


def _beats(mine: dict[str, int], other: dict[str, int], kind: str) -> int:
    """1: more skill by two levels or more and a lower price; −1: the reverse; 0: neither."""
    skill, price = mine[kind] - other[kind], mine[PRICE] - other[PRICE]
    return 1 if skill >= 2 and price < 0 else -1 if skill <= -2 and price > 0 else 0


def _split(setting: Setting) -> tuple[list[str], list[str]]:
    strange = list(setting.job.pools.held_out)
    return [name for name in setting.task.pool.names if name not in strange], strange


def _watch(policy: TrainedRouter, role: str, unseen: bool, cases: Sequence[Case], weight: float) -> Watched:
    asked = [e.calls[0].model if e.calls else "" for e in _episodes(policy, cases, weight)]
    share = fmean(model == case.watched for model, case in zip(asked, cases, strict=True))
    return Watched(policy=policy.name, role=role, unseen=unseen, cost_weight=weight, share=share, n=len(cases))


def _episodes(policy: TrainedRouter, cases: Sequence[Case], weight: float) -> list[Episode]:
    environments = [policy.setting.environment(policy.codec, case.query, weight, models=case.models) for case in cases]
    return play(policy.policy, environments, max_batch=policy.job.evaluation.batch)


def _earned(setting: Setting, queries: Sequence[Query], policies: Sequence[TrainedRouter]) -> list[Earned]:
    known, strange = _split(setting)
    cases = []
    for query in queries:
        rng = Random(f"one unseen {query.query_id}")
        models = [rng.choice(strange), *rng.sample(known, (setting.job.pools.size or 1) - 1)]
        stranger = models[0]
        rng.shuffle(models)
        cases.append(Case(query=query, models=tuple(models), watched=stranger))
    whole = {case.query.query_id: case.models for case in cases}
    without = {c.query.query_id: [m for m in c.models if m != c.watched] for c in cases}
    tables = [PooledBaselines(setting.task, queries, pools) for pools in (whole, without)]
    found = []
    for weight in setting.job.cost_weights:
        base, less = (t.outcomes(setting.job.reward, weight, (weight,)) for t in tables)
        mine = [fmean(e.total_reward or 0.0 for e in _episodes(p, cases, weight)) for p in policies]
        mean: Any = lambda outcomes: fmean(o.reward or 0.0 for o in outcomes)  # noqa: E731
        found.append(
            Earned(
                cost_weight=weight,
                policy=mine[0],
                warm_start=mine[1],
                random=mean(base["random"]),
                best_table=mean(base["best_table"]),
                best_table_without=mean(less["best_table"]),
                n=len(cases),
            )
        )
    return found


def markdown(watched: Sequence[Watched], earned: Sequence[Earned]) -> str:
    lines = ["| watched model | seen in training | policy | λ | asked | n |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {w.role} | {'no' if w.unseen else 'yes'} | {w.policy} | {w.cost_weight:g} | "
        f"{100 * w.share:.0f} ± {200 * w.error:.0f} % | {w.n} |"
        for w in watched
    ]
    lines += ["", "| λ | policy | warm start | random | best table | best table without the unseen model |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| {e.cost_weight:g} | {e.policy:.3f} | {e.warm_start:.3f} | {e.random:.3f} | {e.best_table:.3f} | "
        f"{e.best_table_without:.3f} |"
        for e in earned
    ]
    return "\n".join(lines)
