"""An RL-trained policy in this process: episodes in a thread of their own, decoded together, over the run's own task.

Torch holds up whatever loop it runs in, so the policy has one of its own; requests that come while others are decoded
join their batch. The pool is the gateway's, or the run's own where the gateway simulates.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from rl_router.errors import RecipeError
from rl_router.evaluation.run.harness import job_of
from rl_router.evaluation.run.trained import TrainedRouter
from rl_router.observe.run_folder import RunFolder
from rl_router.pool.ledger import Ledger
from rl_router.pool.live_pool import LivePool, open_pool
from rl_router.pool.pool import ModelPool
from rl_router.rl.setting import Setting
from rl_router.serving.errors import ApiError
from rl_router.serving.extras import Extras
from rl_router.types import CallStatus, Episode, Query, Source

START_S = 120.0
SHARED_BATCH = 64
DEFAULT_WEIGHT = 0.5
"""What `rl-router route` takes for a policy too when nobody says how much cost weighs."""


class ServedPolicy:
    """The policy `name`. `live` is the pool that its calls go to; None: the pool that the run was trained with."""

    def __init__(self, name: str, run: Path, live: LivePool | None, environment: Mapping[str, str]) -> None:
        folder = RunFolder.open(run)
        self.name = name
        self._router = TrainedRouter.load("policy", folder.policy, Setting.of(job_of(folder, {})))
        task = self._router.setting.task
        if live is not None and not {spec.name for spec in live.specs()} & set(task.pool.names):
            known = ", ".join(task.pool.names)
            raise RecipeError(f"the pool {live.file} has none of the models that {run} was trained with: {known}")
        self._pool: ModelPool = task.pool
        self._loop = asyncio.new_event_loop()
        self._closed = asyncio.Event()
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._live(live, environment, ready),), name=name, daemon=True
        )
        self._thread.start()
        if not ready.wait(START_S):
            raise RecipeError(f"the pool of the policy in {run} did not open within {START_S:g} seconds")

    async def play(self, query: Query, extras: Extras, ledger: Ledger, deadline_s: float) -> Episode:
        """One greedy episode at the trained cost weight nearest to the one that is asked for. Who leaves ends it.

        What it comes to is in `ledger` as it is spent. ApiError when `deadline_s` of the monotonic clock passes.
        """
        work = asyncio.run_coroutine_threadsafe(self._play(query, extras, ledger, deadline_s), self._loop)
        return await asyncio.wrap_future(work)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closed.set)

    async def _live(self, live: LivePool | None, environment: Mapping[str, str], ready: threading.Event) -> None:
        from rl_router.policy.decoder import BatchedDecoder

        async with AsyncExitStack() as stack:
            if live is not None:
                opened = await stack.enter_async_context(open_pool(live, environment))
                self._pool = ModelPool(opened.pool.specs, opened.pool.backend, None)
            policy = self._router.policy
            self._decoder = BatchedDecoder(policy.model, pad_id=policy.tokenizer.pad_token_id, max_batch=SHARED_BATCH)
            ready.set()
            await self._closed.wait()

    async def _play(self, query: Query, extras: Extras, ledger: Ledger, deadline_s: float) -> Episode:
        from rl_router.episode.rollout import run_episode
        from rl_router.policy.decoder import Sample, text_end
        from rl_router.policy.play import GREEDY

        router = self._router
        job = router.setting.job
        if extras.budget_usd is not None:
            job = replace(job, limits=replace(job.limits, episode_budget_usd=extras.budget_usd))
        setting = replace(router.setting, job=job, task=replace(router.setting.task, pool=self._pool))
        weight = router.nearest_weight(DEFAULT_WEIGHT if extras.cost_weight is None else extras.cost_weight)
        environment = setting.environment(router.codec, query, weight, extras.allowed_models)
        environment.ledger = ledger
        ended = text_end(router.policy.tokenizer, router.codec.stop_texts)

        async def generate(prompt_ids: list[int], max_tokens: int, stop_ids: Sequence[int]) -> Sample:
            return await self._decoder.generate(
                prompt_ids, max_tokens=max_tokens, stop_ids=stop_ids, params=GREEDY, ended=ended
            )

        try:
            async with asyncio.timeout_at(deadline_s):  # the loop's clock is the monotonic one
                return await run_episode(environment, generate)
        except TimeoutError:
            raise ApiError(
                504, f"the deadline passed before {self.name} had an answer", code="deadline_exceeded"
            ) from None


def best_so_far(episode: Episode) -> str:
    """The answer; where the turns ran out before there was one, the last reply that came, and else nothing."""
    if episode.answer is not None:
        return episode.answer
    replies = [call.reply.text for call in episode.calls if call.reply.status is CallStatus.OK]
    return next((text for text in reversed(replies) if text.strip()), "")


def turns(episode: Episode) -> int:
    return sum(segment.source is Source.POLICY for segment in episode.segments)
