"""What waiting for models costs while a policy samples: python scripts/benchmark_overlap.py [--latency-s 2]

Plays the same episodes with a pool that answers at once and with one that answers after a while, so many in flight, on
a small policy made here. Calls are asynchronous: an episode that waits stalls no other. What cannot be hidden is the
chain within one episode, calls x latency, unless others have that much left to decode; the printed bound says so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rl_router.episode.dialects import Tags
from rl_router.episode.environment import Environment
from rl_router.episode.limits import Limits
from rl_router.episode.rewards import Dial
from rl_router.episode.rollout import run_episode
from rl_router.episode.task import Task
from rl_router.episode.world_task import WorldTask
from rl_router.policy.config import UntrainedPolicy, WarmStart
from rl_router.policy.decoder import BatchedDecoder, SamplingParams, text_end
from rl_router.policy.folder import Policy
from rl_router.policy.prepare import make_policy
from rl_router.pool.backend import Backend, Request
from rl_router.pool.pool import ModelPool
from rl_router.types import Episode, ModelReply

LIMITS = Limits(max_turns=3, max_prompt_tokens=600, max_turn_tokens=110, max_reply_tokens=60, max_response_tokens=500)
RULES = "Ask {names}.\n{descriptions}\nQuestion: {question}\n"


class LateBackend:
    """Answers what `backend` answers, `latency_s` later."""

    def __init__(self, backend: Backend, latency_s: float):
        self.backend, self.latency_s = backend, latency_s

    async def complete(self, request: Request) -> ModelReply:
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        return await self.backend.complete(request)


async def play(policy: Policy, task: Task, dialect: Tags, episodes: int, in_flight: int) -> tuple[float, list[Episode]]:
    """Wall seconds and the episodes, at most `in_flight` of them at a time."""
    decoder = BatchedDecoder(policy.model, pad_id=policy.tokenizer.pad_token_id, max_batch=in_flight)
    codec, places = dialect.over(policy.tokenizer), asyncio.Semaphore(in_flight)
    ended = text_end(policy.tokenizer, codec.stop_texts)

    async def generate(prompt_ids, max_tokens, stop_ids):  # type: ignore[no-untyped-def]
        params = SamplingParams()
        return await decoder.generate(prompt_ids, max_tokens=max_tokens, stop_ids=stop_ids, params=params, ended=ended)

    async def one(i: int) -> Episode:
        async with places:
            query = task.train[i % len(task.train)]
            return await run_episode(Environment(task, codec, Dial(), LIMITS, query, None), generate)

    started_s = time.perf_counter()
    done = await asyncio.gather(*map(one, range(episodes)))
    return time.perf_counter() - started_s, list(done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-s", type=float, default=2.0)
    parser.add_argument("--in-flight", type=int, default=128)
    parser.add_argument("--episodes", type=int, default=512)
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), args.episodes, args.in_flight, args.latency_s), indent=2))


def measure(folder: Path, episodes: int, in_flight: int, latency_s: float) -> dict[str, float]:
    (folder / "rules.txt").write_text(RULES)
    dialect = Tags(prompt=str(folder / "rules.txt"))
    task = WorldTask(n_train=200, n_val=5, n_test=5, tasks=("units", "lists")).build()
    task = replace(task, pool=task.pool.select(("nano", "wiki")))
    policy = make_policy(
        UntrainedPolicy(), WarmStart(steps=90, batch_size=8, demonstrations=300, decompose=0.0), task=task,
        cost_weights=(0.0,), tell_cost_weight=False, limits=LIMITS, seed=0, folder=folder / "policy", dialect=dialect,
    )  # fmt: skip
    found: dict[str, float] = {"episodes": episodes, "in_flight": in_flight, "latency_s": latency_s}
    for name, seconds in (("instant", 0.0), ("late", latency_s), ("instant_again", 0.0)):
        pool = ModelPool(task.pool.specs, LateBackend(task.pool.backend, seconds))
        found[f"{name}_s"], played = asyncio.run(play(policy, replace(task, pool=pool), dialect, episodes, in_flight))
        found[f"{name}_calls"] = sum(len(episode.calls) for episode in played) / episodes
    instant_s = (found["instant_s"] + found["instant_again_s"]) / 2
    found["growth"] = found["late_s"] / instant_s - 1.0
    # Little's law: so many episodes in flight cover this wait if each needs no less than that much of the decoder.
    found["wait_s_per_episode"] = found["late_calls"] * latency_s
    found["decoding_s_per_round"] = instant_s * in_flight / episodes
    return found


if __name__ == "__main__":
    main()
