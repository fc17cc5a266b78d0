"""Play one episode to its end with any generator of tokens: an engine, a decoder, or a list of scripted turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from rl_router.episode.environment import Environment
from rl_router.types import Episode


class Sample(Protocol):
    """One sampled turn, the stop id included. Without log-probabilities an episode can be evaluated, not trained on."""

    @property
    def token_ids(self) -> Sequence[int]: ...

    @property
    def log_probs(self) -> Sequence[float] | None: ...


Generate = Callable[[list[int], int, Sequence[int]], Awaitable[Sample]]
"""`(prompt_ids, max_tokens, stop_ids)` to one sampled turn."""


async def run_episode(environment: Environment, generate: Generate) -> Episode:
    while not environment.done:
        prompt_ids = environment.prompt_ids
        sample = await generate(prompt_ids, environment.max_tokens, environment.codec.stop_ids)
        reply_ids = await environment.step(sample.token_ids, sample.log_probs)
        taken = (
            len(environment.prompt_ids) - len(prompt_ids) - len(reply_ids or ())
        )  # an engine may sample beyond a turn
        joined = [*prompt_ids, *sample.token_ids[:taken], *(reply_ids or ())]
        assert environment.prompt_ids == joined, "the next prompt must be the last one, the turn and the reply"
    return environment.episode
