"""A multi-round router as it is served: it asks parts of a question through the gateway's own endpoints and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rl_router.episode.multi_round import Choose, MultiRound
from rl_router.episode.multi_round_run import check_chooser, check_models, read_multi_round
from rl_router.pool.backend import Backend
from rl_router.pool.budget import Budget
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.serving.errors import ApiError
from rl_router.serving.extras import Extras
from rl_router.serving.routing import ServedRouter
from rl_router.types import Episode, Query


class ServedMultiRound:
    """The run `name` over the models of the gateway's pool. PoolError where it has not those that the run needs."""

    def __init__(self, name: str, run: Path, specs: Mapping[str, ModelSpec]) -> None:
        found = read_multi_round(run)
        check_models(found.job, tuple(specs.values()))
        self.name, self.job = name, found.job
        self._specs = tuple(specs.values())
        self._chooser: ServedRouter | None = None
        if found.chooser is not None:
            check_chooser(found.chooser, self._specs, str(run))
            self._chooser = ServedRouter(name, found.chooser_folder, specs)

    async def play(self, query: Query, extras: Extras, backend: Backend, ledger: Ledger) -> Episode:
        """Every call is in `ledger` as soon as it is made. ApiError for `allowed_models` that leave nobody to split."""
        allowed = extras.allowed_models
        specs = [spec for spec in self._specs if allowed is None or spec.name in allowed]
        if self.job.decomposer not in {spec.name for spec in specs}:
            message = f"allowed_models must have {self.job.decomposer}, which splits the questions of {self.name}"
            raise ApiError(400, message, param="allowed_models")
        chooser, weight = self._chooser, None
        if chooser is not None:
            weight = chooser.cost_weight if extras.cost_weight is None else extras.cost_weight
        agent = MultiRound(
            pool=ModelPool(specs, backend, None),
            decomposer=self.job.decomposer,
            choose=None if chooser is None else _choosing(chooser, extras),
            most_parts=self.job.most_parts,
            max_tokens=self.job.max_tokens,
            budget=None if extras.budget_usd is None else Budget(extras.budget_usd, name="request"),
        )
        return await agent.play(query, weight, ledger)

    def close(self) -> None:
        if self._chooser is not None:
            self._chooser.close()


def _choosing(chooser: ServedRouter, extras: Extras) -> Choose:
    """By the served router, so that parts that come together are scored together."""
    asked = Extras(cost_weight=extras.cost_weight, allowed_models=extras.allowed_models)

    async def choose(query: Query) -> Sequence[str]:
        return (await chooser.choose(query, asked)).models

    return choose
