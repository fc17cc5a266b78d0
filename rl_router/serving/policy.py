"""An RL-trained policy as it is served: its run's own task, sampled in this process or by the engine that hosts it.

Torch and tokenizers hold up whatever loop they run in, so episodes have a loop and a thread of their own. Their calls
go back to the gateway's loop and share its limits, or stay with the run's own pool where the gateway simulates.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rl_router.episode.rollout import Generate, Sample, run_episode
from rl_router.errors import RecipeError
from rl_router.evaluation.run.harness import job_of
from rl_router.evaluation.run.trained import TrainedRouter
from rl_router.observe.run_folder import RunFolder
from rl_router.pool.backend import Backend, Request
from rl_router.pool.ledger import Ledger
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.rl.setting import Setting
from rl_router.serving.engine import EngineClient
from rl_router.serving.extras import Extras
from rl_router.serving.job import Engine
from rl_router.types import CallStatus, Episode, ModelReply, Query, Source

SHARED_BATCH = 64
DEFAULT_WEIGHT = 0.5
"""What `rl-router route` takes for a policy too when nobody says how much cost weighs."""


class ServedPolicy:
    """The policy `name`. `specs` are the gateway's models; None: those that the run was trained with, simulated.

    With an `engine` no weights are read here. RecipeError where the pool has no model that the policy knows.
    """

    def __init__(
        self, name: str, run: Path, specs: Mapping[str, ModelSpec] | None, engine: Engine | None = None
    ) -> None:
        folder = RunFolder.open(run)
        self.name, self._specs = name, specs
        setting = Setting.of(job_of(folder, {}))
        self._router = TrainedRouter.load("policy", folder.policy, setting, with_weights=engine is None)
        known = self._router.setting.task.pool.names
        if specs is not None and not set(specs) & set(known):
            raise RecipeError(f"the pool has none of the models that {run} was trained with: {', '.join(known)}")
        self._engine = None if engine is None else EngineClient(name, engine, self._router.codec.stop_texts)
        self._generate = _in_process(self._router) if self._engine is None else self._engine.generate
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    async def play(self, query: Query, extras: Extras, backend: Backend, ledger: Ledger) -> Episode:
        """One greedy episode at the trained cost weight nearest to the one that is asked for. Who leaves ends it.

        Every call and turn is in `ledger` as soon as it is made.
        """
        bridge = _Bridge(backend, asyncio.get_running_loop())
        work = asyncio.run_coroutine_threadsafe(self._play(query, extras, bridge, ledger), self._loop)
        return await asyncio.wrap_future(work)

    def close(self) -> None:
        if self._engine is not None:
            self._loop.call_soon_threadsafe(self._engine.close)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _play(self, query: Query, extras: Extras, backend: Backend, ledger: Ledger) -> Episode:
        router = self._router
        job, task = router.setting.job, router.setting.task
        if extras.budget_usd is not None:
            job = replace(job, limits=replace(job.limits, episode_budget_usd=extras.budget_usd))
        if self._specs is not None:
            task = replace(task, pool=ModelPool(self._specs.values(), backend, None))
        setting = replace(router.setting, job=job, task=task)
        weight = router.nearest_weight(DEFAULT_WEIGHT if extras.cost_weight is None else extras.cost_weight)
        environment = setting.environment(router.codec, query, weight, extras.allowed_models, ledger=ledger)
        return await run_episode(environment, self._generate)


class _Bridge:
    """The gateway's endpoints, asked from another loop. A call that is cancelled here is cancelled there."""

    def __init__(self, backend: Backend, loop: asyncio.AbstractEventLoop) -> None:
        self._backend, self._loop = backend, loop

    async def complete(self, request: Request) -> ModelReply:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._backend.complete(request), self._loop))


def _in_process(router: TrainedRouter) -> Generate:
    """Turns that come while others are decoded join their batch."""
    from rl_router.policy.decoder import BatchedDecoder, text_end
    from rl_router.policy.play import GREEDY

    policy = router.policy
    decoder = BatchedDecoder(policy.model, pad_id=policy.tokenizer.pad_token_id, max_batch=SHARED_BATCH)
    ended = text_end(policy.tokenizer, router.codec.stop_texts)

    async def generate(prompt_ids: list[int], max_tokens: int, stop_ids: Sequence[int]) -> Sample:
        return await decoder.generate(prompt_ids, max_tokens=max_tokens, stop_ids=stop_ids, params=GREEDY, ended=ended)

    return generate


def best_so_far(episode: Episode) -> str:
    """The answer; where the turns ran out before there was one, the last reply that came, and else nothing."""
    if episode.answer is not None:
        return episode.answer
    replies = [call.reply.text for call in episode.calls if call.reply.status is CallStatus.OK]
    return next((text for text in reversed(replies) if text.strip()), "")


def turns(episode: Episode) -> int:
    return sum(segment.source is Source.POLICY for segment in episode.segments)
