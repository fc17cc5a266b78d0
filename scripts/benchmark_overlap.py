"""What waiting for models costs while a policy samples: python scripts/benchmark_overlap.py [--latency-s 2]

The same episodes are played with a pool that answers at once and with one that answers after a while. What is sampled
is thrown away and the turns are scripted, two calls and an answer of random lengths, so any size of policy can be
measured without training one: the engine prefills and decodes exactly what it would for a policy that said them.

An episode that waits stalls no other. What cannot be hidden is the chain within one episode, calls x latency, unless
others have that much left to decode. A batch that decodes all episodes abreast has them all wait abreast;
`--max-batch` below `--in-flight` lets one part decode while another waits.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from rl_router.episode.dialects import Compact
from rl_router.episode.environment import Environment
from rl_router.episode.limits import Limits
from rl_router.episode.rewards import Dial
from rl_router.episode.rollout import run_episode
from rl_router.episode.task import Task
from rl_router.episode.world_task import WorldTask
from rl_router.policy.config import TinyPolicy, WarmStart
from rl_router.policy.decoder import BatchedDecoder, SamplingParams
from rl_router.policy.folder import Policy
from rl_router.policy.prepare import make_policy
from rl_router.pool.backend import Backend, Request
from rl_router.pool.pool import ModelPool
from rl_router.types import ModelReply

CALLS = 2


@dataclass(frozen=True, kw_only=True)
class LateBackend:
    """Answers what `backend` answers, `latency_s` later."""

    backend: Backend
    latency_s: float

    async def complete(self, request: Request) -> ModelReply:
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        return await self.backend.complete(request)


@dataclass(frozen=True, kw_only=True)
class Turn:
    token_ids: list[int]
    log_probs: None = None


@dataclass(frozen=True, kw_only=True)
class Bench:
    policy: Policy
    task: Task
    limits: Limits
    turn_tokens: int
    episodes: int
    in_flight: int
    max_batch: int

    async def play(self, latency_s: float) -> tuple[float, int]:
        """Wall seconds, and the tokens that were sampled."""
        decoder = BatchedDecoder(self.policy.model, pad_id=self.policy.tokenizer.pad_token_id, max_batch=self.max_batch)
        pool = ModelPool(self.task.pool.specs, LateBackend(backend=self.task.pool.backend, latency_s=latency_s))
        task = replace(self.task, pool=pool)
        codec, places = Compact().over(self.policy.tokenizer), asyncio.Semaphore(self.in_flight)

        async def one(i: int) -> None:
            query, turns = task.train[i % len(task.train)], iter(self.turns(i))

            async def generate(prompt_ids: list[int], max_tokens: int, stop_ids: object) -> Turn:
                ids = next(turns)
                await decoder.generate(prompt_ids, max_tokens=len(ids), stop_ids=(), params=SamplingParams())
                return Turn(token_ids=ids)

            async with places:
                episode = await run_episode(Environment(task, codec, Dial(), self.limits, query, None), generate)
            assert len(episode.calls) == CALLS and episode.format_ok

        started_s = time.perf_counter()
        await asyncio.gather(*map(one, range(self.episodes)))
        return time.perf_counter() - started_s, decoder.sampled_tokens

    def turns(self, i: int) -> list[list[int]]:
        """The ids of each turn of episode `i`: half to one and a half times as many as a turn has on average."""
        encode, rng, names = self.policy.tokenizer.encode, random.Random(i), self.task.pool.names
        filler = encode(" done")[0]
        ends = [f"</think><search> {name}: same</search>" for name in rng.sample(names, CALLS)]
        said = []
        for end in [*ends, "</think><answer> it</answer>"]:
            start, rest = encode("<think>"), encode(end)
            length = int(self.turn_tokens * rng.uniform(0.5, 1.5))
            said.append([*start, *[filler] * max(1, length - len(start) - len(rest)), *rest])
        return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--latency-s", type=float, default=2.0)
    parser.add_argument("--in-flight", type=int, default=128)
    parser.add_argument("--episodes", type=int, help="all that are played; as many as are in flight by default")
    parser.add_argument("--max-batch", type=int, nargs="+", help="rows that decode at once; --in-flight by default")
    parser.add_argument("--turn-tokens", type=int, default=32, help="tokens of a turn on average (32)")
    parser.add_argument("--hidden", type=int, default=64, help="width of the policy (64)")
    parser.add_argument("--layers", type=int, default=2, help="layers of the policy (2)")
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        for max_batch in args.max_batch or [args.in_flight]:
            bench = prepare(args, max_batch, Path(folder))
            print(json.dumps(measure(bench, args.latency_s)), flush=True)


def prepare(args: argparse.Namespace, max_batch: int, folder: Path) -> Bench:
    turn = int(1.5 * args.turn_tokens) + 16
    limits = Limits(max_turns=CALLS + 1, max_turn_tokens=turn, max_response_tokens=(CALLS + 1) * (turn + 24))
    task = WorldTask(n_train=500, n_val=5, n_test=5).build()
    shape = TinyPolicy(
        hidden_size=args.hidden, layers=args.layers, intermediate_size=5 * args.hidden // 2,
        max_tokens=limits.max_prompt_tokens + limits.max_response_tokens,
    )  # fmt: skip
    policy = make_policy(
        shape, WarmStart(steps=0, demonstrations=500), task=task, cost_weights=(0.0,), tell_cost_weight=False,
        limits=limits, seed=0, folder=folder / "policy",
    )  # fmt: skip
    return Bench(
        policy=policy,
        task=task,
        limits=limits,
        turn_tokens=args.turn_tokens,
        episodes=args.episodes or args.in_flight,
        in_flight=args.in_flight,
        max_batch=max_batch,
    )


def measure(bench: Bench, latency_s: float) -> dict[str, float]:
    """Seconds with an instant pool, before and after, and with a late one; `growth` is what the waiting added."""
    asyncio.run(replace(bench, episodes=min(16, bench.episodes)).play(0.0))  # warms up
    before_s, tokens = asyncio.run(bench.play(0.0))
    late_s, _ = asyncio.run(bench.play(latency_s))
    after_s, _ = asyncio.run(bench.play(0.0))
    return {
        "parameters": sum(p.numel() for p in bench.policy.model.parameters()),
        "episodes": bench.episodes,
        "in_flight": bench.in_flight,
        "max_batch": bench.max_batch,
        "sampled_tokens": tokens,
        "instant_s": round(before_s, 2),
        "late_s": round(late_s, 2),
        "instant_again_s": round(after_s, 2),
        "growth": round(late_s / fmean((before_s, after_s)) - 1.0, 3),
    }


if __name__ == "__main__":
    main()
