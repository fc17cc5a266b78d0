"""A classical run: fit the router of a job on its table, save it, and score it beside every baseline on held-out rows.

The reward of a row is what a decision earned: recorded quality − λ · recorded cost / reference, where the reference is
the mean cost of a call to the strongest model on the fitted table. A query whose chosen model was not graded counts
nowhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import ValidationError

from rl_router.data.interactions import user_of
from rl_router.data.table import RoutingTable
from rl_router.errors import CheckpointError, DataError
from rl_router.evaluation.run.choices import Choice, choice_rows
from rl_router.evaluation.run.classical_baselines import ClassicalBaselines
from rl_router.evaluation.run.results import Outcome, Row, summarise, write_results
from rl_router.nested import merged
from rl_router.observe.console import StepProgress, say
from rl_router.observe.files import read_json
from rl_router.observe.findings import headline, own_router, remarks
from rl_router.observe.formats import seconds
from rl_router.observe.run_folder import RunFolder
from rl_router.routers.job import RouterJob, router_job_from_dict, router_job_to_dict
from rl_router.routers.named import Named, load_named
from rl_router.routers.observations import Observations
from rl_router.routers.pair import PairThreshold
from rl_router.routers.registry import entry
from rl_router.routers.router import Router, load_router
from rl_router.routers.splitting import split_table


def train_router(job: RouterJob[Any]) -> None:
    """Write the run folder of `job`. What is wrong with the table is said before anything is written."""
    folder = RunFolder(job.run_dir)
    if folder.config.is_file() and not is_router_run(folder):
        raise CheckpointError(f"{folder.path} holds a run of another kind: name another folder with run_dir=…")
    fit_on, test = split_table(job)
    began_s = time.monotonic()
    router: Router = job.router.fit(
        job.learner.shown(fit_on), rule=job.rule, prices=job.price_list(),
        quality_per_score=job.learner.quality_per_score(fit_on),
    )  # fmt: skip
    shape = f"{len(fit_on.query_ids):,} queries × {len(router.models_)} models"
    say(f"fitted {job.router.kind} on {shape} in {seconds(time.monotonic() - began_s)}")
    for sentence in lacking(job.router.kind, fit_on):
        say(sentence)
    rows, choices = _scored(job, router, fit_on, test)
    _write(folder, job, router, rows, choices)


def lacking(kind: str, fit_on: RoutingTable) -> list[str]:
    """What a router was fitted without, so that it is less than its name says."""
    found = []
    if len(fit_on.models) == 1:
        found.append(f"the table has one model, {fit_on.models[0]}, so there is nothing to choose")
    needs = entry(kind).needs
    if "users" in needs and not any(map(user_of, fit_on.queries())):
        found.append(f"no query of the table names a user (`user` in its column meta), so {kind} knows nobody apart")
    if "tasks" in needs and fit_on.frame["task"].n_unique() == 1:
        found.append(f"all queries of the table are of one task, so {kind} is one model for all")
    return found


def evaluate_router_run(run: Path, changes: Mapping[str, Any]) -> None:
    """Score the saved router again; `changes` to its config count for this once."""
    folder = RunFolder.open(run)
    job = _job_of(folder, changes)
    rows, choices = _scored(job, load_router(folder.router), *split_table(job))
    folder.write_choices(choices)
    write_results(folder.results, rows)
    say_findings(folder)


def evaluate_threshold(named: Named, changes: Mapping[str, Any]) -> Path:
    """Score `router-NAME-THRESHOLD` as a run of its own, whose folder is returned: runs/router-NAME-THRESHOLD.

    It holds the router with that rule, so it can be asked and evaluated again like any other.
    """
    router, source = load_named(named), RunFolder.open(named.run)
    pair = cast(PairThreshold, router.rule_)
    threshold = PairThreshold(threshold=pair.threshold, strong=pair.strong_, weak=pair.weak_)
    folder = RunFolder(named.run.with_name(f"router-{named.run.name}-{named.threshold:g}"))
    asked, kept = (
        replace(_job_of(source, values), name=folder.path.name, run_dir=folder.path, rule=threshold)
        for values in (changes, {})
    )
    rows, choices = _scored(asked, router, *split_table(asked))
    _write(folder, kept, router, rows, choices)
    return folder.path


def say_findings(folder: RunFolder) -> None:
    """What the results say, as the report says it."""
    rows, mine = folder.read_rows(folder.results), own_router(read_json(folder.config))
    for sentence in (headline(rows, mine), *remarks(rows, mine)):
        say(sentence)


def _job_of(folder: RunFolder, changes: Mapping[str, Any]) -> RouterJob[Any]:
    try:
        return router_job_from_dict(merged(read_json(folder.config), changes))
    except (ValueError, ValidationError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{folder.config} does not hold the config of a router's run: {reason}") from None


def _write(
    folder: RunFolder, job: RouterJob[Any], router: Router, rows: list[Row], choices: list[dict[str, Any]]
) -> None:
    router.save(folder.router)
    folder.write_config(router_job_to_dict(job))
    folder.write_versions()
    folder.write_choices(choices)
    write_results(folder.results, rows)
    say_findings(folder)


def is_router_run(folder: RunFolder) -> bool:
    """Whether the run fitted a classical router, by its config."""
    try:
        config = json.loads(folder.config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "router" in config


def _scored(
    job: RouterJob[Any], router: Router, fit_on: RoutingTable, test: RoutingTable
) -> tuple[list[Row], list[dict[str, Any]]]:
    """The rows of results.json and choices.json: at each cost weight every baseline, then the router."""
    known = [model for model in test.models if model in router.models_]
    if not known:
        raise DataError(f"The {test.where} has none of the models that this router was fitted on.")
    asked = Observations.of(test.select(models=known), job.price_list())
    learned_from = Observations.of(fit_on.select(models=known), job.price_list())
    baselines = ClassicalBaselines(learned_from, asked, router.cost_reference_usd_, seed=job.seed)
    weights = _usable_weights(job, router, asked)
    own = own_router(router_job_to_dict(job))
    chain_at = router.chain_at(asked.queries, asked.table)
    rows: list[Row] = []
    choices: dict[tuple[str, float], list[Choice]] = {}
    with StepProgress("evaluating", len(weights), every=len(weights)) as progress:
        for step, weight in enumerate(weights, start=1):
            mine = {own: chain_at(weight)}
            judging_usd = router.judging_usd(asked.queries, asked.table, weight)
            for name, chains in {**baselines.chains(weight), **mine}.items():
                beside = judging_usd if name == own else np.zeros(len(chains))
                outcomes = outcomes_of(asked, chains, weight, router.cost_reference_usd_, beside)
                rows.append(summarise(name, weight, outcomes))
                choices[name, weight] = [(o.task, o.models[0]) for o in outcomes]
            found = next(row for row in rows[::-1] if row.router == own)
            progress.update(step, {"reward/mean": found.reward, "cost_usd/mean": found.cost_usd})
    return rows, choice_rows(choices, asked.models)


def outcomes_of(
    asked: Observations,
    chains: list[list[str]],
    cost_weight: float,
    cost_reference_usd: float | None,
    judging_usd: np.ndarray,
) -> list[Outcome]:
    """The last model of a chain answers; every model of it is paid, and `judging_usd` [n] beside."""
    column = {model: j for j, model in enumerate(asked.models)}
    found = []
    for i, (query, chain) in enumerate(zip(asked.queries, chains, strict=True)):
        columns = [column[model] for model in chain]
        quality = float(asked.scores[i, columns[-1]])
        cost_usd = float(asked.costs_usd[i, columns].sum() + judging_usd[i])
        reward = quality
        if cost_weight > 0 and cost_reference_usd is not None:
            reward = quality - cost_weight * cost_usd / cost_reference_usd
        found.append(
            Outcome(
                query_id=query.query_id,
                task=query.task,
                quality=None if np.isnan(quality) else quality,
                cost_usd=cost_usd,
                calls=len(chain),
                format_ok=True,
                reward=None if np.isnan(reward) else reward,
                models=tuple(chain),
            )
        )
    return found


def _usable_weights(job: RouterJob[Any], router: Router, asked: Observations) -> tuple[float, ...]:
    """Only 0 where the table has no costs, said aloud: a cost weight then weighs nothing."""
    priced = router.cost_reference_usd_ is not None and not np.isnan(asked.mean_costs_usd).any()
    if priced or job.cost_weights == (0.0,):
        return job.cost_weights
    say("some model has no recorded cost, so only cost weight 0 is evaluated; prices=POOL prices recorded tokens")
    return (0.0,)
