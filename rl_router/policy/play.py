"""Play many episodes in one process with a batched decoder: how a policy is evaluated and asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from rl_router.episode.environment import Environment
from rl_router.episode.rollout import run_episode
from rl_router.policy.decoder import BatchedDecoder, Sample, SamplingParams, text_end
from rl_router.policy.folder import Policy
from rl_router.types import Episode

GREEDY = SamplingParams(temperature=0.0)


def play(
    policy: Policy,
    environments: Iterable[Environment],
    *,
    params: SamplingParams = GREEDY,
    max_batch: int = 256,
    seed: int = 0,
) -> list[Episode]:
    """One finished episode per environment, in order."""
    return asyncio.run(playing(policy, list(environments), params=params, max_batch=max_batch, seed=seed))


async def playing(
    policy: Policy,
    environments: Sequence[Environment],
    *,
    params: SamplingParams = GREEDY,
    max_batch: int = 256,
    seed: int = 0,
) -> list[Episode]:
    """`play` in an event loop that runs already, which the environments' pool belongs to."""
    decoder = BatchedDecoder(policy.model, pad_id=policy.tokenizer.pad_token_id, max_batch=max_batch, seed=seed)

    async def episode(environment: Environment) -> Episode:
        ended = text_end(policy.tokenizer, environment.codec.stop_texts)

        async def generate(prompt_ids: list[int], max_tokens: int, stop_ids: Sequence[int]) -> Sample:
            return await decoder.generate(
                prompt_ids, max_tokens=max_tokens, stop_ids=stop_ids, params=params, ended=ended
            )

        return await run_episode(environment, generate)

    return list(await asyncio.gather(*map(episode, environments)))
