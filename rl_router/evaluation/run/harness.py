"""Evaluate a run: its policies and every baseline, greedily, on the same held-out questions at every cost weight.

An episode is played once and then priced by a reward that remembers nothing else, in the order of the questions. So a
row does not depend on the batch, and a policy that is not told the cost weight is played once for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rl_router.episode.rewards import Budgeted
from rl_router.errors import CheckpointError
from rl_router.evaluation.run.baselines import Baselines
from rl_router.evaluation.run.choices import Choice, choice_of_episode, choice_of_outcome, choice_rows
from rl_router.evaluation.run.pooled_baselines import PooledBaselines
from rl_router.evaluation.run.questions import asked_query, cut_questions, held_out
from rl_router.evaluation.run.results import Outcome, Row, outcome_of, summarise, write_results
from rl_router.evaluation.run.trained import TrainedRouter
from rl_router.nested import merged
from rl_router.observe.console import StepProgress, say
from rl_router.observe.files import read_json
from rl_router.observe.findings import FIXED, headline, remarks
from rl_router.observe.formats import Budget
from rl_router.observe.formats import cost_weight as weight_text
from rl_router.observe.formats import setting as setting_text
from rl_router.observe.rollouts import record_held_out
from rl_router.observe.run_folder import RunFolder
from rl_router.rl.job import TrainJob, job_from_dict
from rl_router.rl.setting import Setting
from rl_router.types import Episode, Query


def evaluate_run(run: Path, overrides: Mapping[str, Any]) -> None:
    """Write results.json, choices.json and the held-out episodes; `overrides` change the run's config for this once.

    Nothing is written before everything has been played.
    """
    folder = RunFolder.open(run)
    setting = Setting.of(job_of(folder, overrides))
    queries = held_out(setting)
    if not queries:
        say("this run holds out no questions, so there is nothing to evaluate: its task has no test questions")
        return
    routers = trained_routers(folder, setting)
    cut = cut_questions(routers[0].setting, routers[0].codec, queries)
    if cut:
        say(cut)
    found = _Found(setting)
    for router in routers:
        _play(router, queries, found)
    if setting.task.pool.is_free:
        _play_baselines(setting, queries, found)
    else:
        say("baselines ask every model every question: a live suite of `rl-router evaluate` does that, and pays once")
    folder.write_choices(choice_rows(found.choices, setting.task.pool.names))
    record_held_out(found.policy_episodes, folder)
    write_results(folder.results, found.rows)
    written = folder.read_rows(folder.results)
    for sentence in (headline(written), *remarks(written)):
        say(sentence)


def route_query(run: Path, text: str, cost_weight: float) -> Episode:
    """One greedy episode of the run's policy, at the trained cost weight nearest to the one that was asked for."""
    folder = RunFolder.open(run)
    setting = Setting.of(job_of(folder, {}))
    query = asked_query(setting, text.strip())
    router = TrainedRouter.load("policy", folder.policy, setting)
    return router.play([query], nearest_trained_weight(router, cost_weight))[0]


def nearest_trained_weight(router: TrainedRouter, cost_weight: float) -> float:
    """Said aloud where it is not the one that was asked for."""
    nearest = router.nearest_weight(cost_weight)
    if nearest != cost_weight:
        of = Budget if isinstance(router.job.reward, Budgeted) else float
        known = ", ".join(weight_text(of(w)) for w in sorted(router.policy.card.cost_weights))
        taken = weight_text(of(nearest))
        say(f"{setting_text(of(cost_weight))} is taken as {taken}: this policy was trained for {known}")
    return nearest


def job_of(folder: RunFolder, overrides: Mapping[str, Any]) -> TrainJob:
    config = read_json(folder.config)
    try:
        return job_from_dict(merged(config, overrides))
    except (ValidationError, AttributeError, TypeError, ValueError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise CheckpointError(f"{folder.config} does not hold the config of a run ({first}): train it again") from None


def trained_routers(folder: RunFolder, setting: Setting) -> list[TrainedRouter]:
    """All loaded before any is played, so that a broken folder is refused at once."""
    routers = [
        TrainedRouter.load("policy", folder.policy, setting),
        TrainedRouter.load("warm_start", folder.warm_start, setting),
    ]
    blind = RunFolder(folder.path / "blind")
    if blind.policy.is_dir():
        router = TrainedRouter.load("policy_blind", blind.policy, setting)
        if router.is_told:
            raise CheckpointError(
                f"the policy in {blind.policy} was told the cost weight, so it is no blind control: train it with"
                " tell_cost_weight=false"
            )
        routers.append(router)
    elif setting.job.blind_control:
        say(f"{blind.path} holds no finished blind control, so the results have no policy_blind")
    return routers


def priced(episodes: Sequence[Episode], setting: Setting, cost_weight: float) -> list[Episode]:
    """The episodes with the reward of this cost weight, from a copy of the reward that has seen no other."""
    reward = replace(setting.job.reward)
    return [
        replace(
            episode,
            cost_weight=cost_weight,
            reward=reward.terms(
                quality=episode.quality,
                cost_usd=episode.cost_usd,
                cost_weight=cost_weight,
                format_ok=episode.format_ok,
                cost_reference_usd=setting.task.cost_reference_usd,
            ),
        )
        for episode in episodes
    ]


@dataclass
class _Found:
    """What an evaluation has come to so far."""

    setting: Setting
    rows: list[Row] = field(default_factory=list)
    choices: dict[tuple[str, float], list[Choice]] = field(default_factory=dict)
    policy_episodes: list[Episode] = field(default_factory=list)

    def add(self, router: str, weight: float, outcomes: Sequence[Outcome], choices: list[Choice]) -> Row:
        row = summarise(router, weight, outcomes)
        self.rows.append(row)
        if router not in FIXED:
            self.choices[router, weight] = choices
        return row


def _play(router: TrainedRouter, queries: Sequence[Query], found: _Found) -> None:
    weights = found.setting.job.cost_weights
    once = None if router.is_told else router.play(queries, weights[0])
    with StepProgress(f"evaluating {router.name}", len(weights), every=len(weights)) as progress:
        for step, weight in enumerate(weights, start=1):
            episodes = priced(once or router.play(queries, weight), found.setting, weight)
            choices = [choice_of_episode(episode, found.setting.task) for episode in episodes]
            row = found.add(router.name, weight, [outcome_of(episode) for episode in episodes], choices)
            if router.name == "policy":
                found.policy_episodes += episodes
            progress.update(step, _shown(row))


def _play_baselines(setting: Setting, queries: Sequence[Query], found: _Found) -> None:
    weights = setting.job.cost_weights
    kinds = {query.query_id: setting.task.label(query) for query in queries}
    with StepProgress("evaluating baselines", len(weights), every=len(weights)) as progress:
        baselines = _baselines(setting, queries)
        for step, weight in enumerate(weights, start=1):
            for name, outcomes in baselines.outcomes(setting.job.reward, weight, weights).items():
                found.add(name, weight, outcomes, [choice_of_outcome(o, kinds[o.query_id]) for o in outcomes])
            progress.update(step, {})


def _baselines(setting: Setting, queries: Sequence[Query]) -> Baselines | PooledBaselines:
    pools = {query.query_id: setting.pool_of(query) for query in queries}
    drawn = {query_id: names for query_id, names in pools.items() if names is not None}
    if drawn:
        return PooledBaselines(setting.task, queries, drawn)
    return Baselines(setting.task, queries, setting.task.train)


def _shown(row: Row) -> dict[str, float]:
    """By the names that a progress line knows."""
    return {"reward/mean": row.reward, "quality/mean": row.quality, "cost_usd/mean": row.cost_usd}
