"""A long time at a share of capacity before an upstream that fails, hangs and drops: is anything lost?

Every request must end in an answer or in an error that is said, the ledger in the gateway's log must come to what the
upstream says that it has answered, and memory must not grow. `problems` is the verdict; with any, the exit status is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from rl_router.evaluation.speed.chat_load import Load
from rl_router.evaluation.speed.chat_server import USAGE
from rl_router.evaluation.speed.gateway_cost import Running, backend, started
from rl_router.evaluation.speed.gateways import INPUT_USD_PER_MTOK, OUTPUT_USD_PER_MTOK, ours
from rl_router.observe.console import say

TEXTS = 5_000
"""How many texts there are, again and again: what is cached of them must not count as growth."""
LOOK_EVERY_S = 5.0
SAY_EVERY_S = 60.0
CONNECTIONS = 32
MOST_UNDER_WAY = 128
"""Twice what is under way at an even pace. Where other work takes the cores away, the pace falls instead of the gateway
drowning: that is another experiment. `requests_per_s` says what came of it."""
PATIENCE_S = 60.0
"""A request that has neither answer nor error after so long is lost."""
WARM_UP_SHARE = 0.2
"""Of the time, before memory is looked at: caches fill, and allocators take what they will keep."""
MEMORY_GROWTH = 0.05
CALL_USD = (USAGE["prompt_tokens"] * INPUT_USD_PER_MTOK + USAGE["completion_tokens"] * OUTPUT_USD_PER_MTOK) / 1e6


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Soak the gateway.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--share", type=float, default=0.6, help="of the measured capacity")
    parser.add_argument("--fail", type=float, default=0.1)
    parser.add_argument("--hang", type=float, default=0.02)
    parser.add_argument("--drop", type=float, default=0.02)
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        contender = ours(folder, "limits.call_s=3", "breaker.rest_s=0.5")
        healthy = stack.enter_context(backend(10, 0.001))
        faulty = stack.enter_context(backend(10, 0.001, (args.fail, args.hang, args.drop)))
        with started(contender, healthy, folder / "capacity") as running:
            rate = args.share * capacity(running)
        say(f"{rate:.0f} requests a second for {args.minutes:g} minutes")
        running = stack.enter_context(started(contender, faulty, folder / "soak"))
        found = asyncio.run(soak(running, rate, 60 * args.minutes))
        found |= ledger(folder / "soak" / "log.jsonl")
        with urllib.request.urlopen(f"{faulty.removesuffix('/v1')}/count") as answer:
            found["upstream_answered"] = json.load(answer)["answered"]
    print(json.dumps(found, indent=2))
    found_wrong = problems(found)
    for problem in found_wrong:
        say(f"FAILED: {problem}")
    sys.exit(1 if found_wrong else 0)


def problems(found: Mapping[str, float]) -> list[str]:
    """A sentence for each thing that the gateway got wrong; of memory, growth over its first look after the warm-up."""
    upstream_usd = found["upstream_answered"] * CALL_USD
    growth = found["memory_most_mb"] / found["memory_first_mb"] - 1
    checks = {
        f"{found['lost']:g} requests ended without an answer or an error": found["lost"] > 0,
        f"{found['log_lines']:g} log lines for {found['requests']:g} requests": found["log_lines"] != found["requests"],
        f"the ledger has {found['ledger_answered']:g} answers, the upstream gave {found['upstream_answered']:g}": (
            found["ledger_answered"] != found["upstream_answered"]
        ),
        f"the ledger has {found['ledger_usd']:.6f} USD, the upstream's answers cost {upstream_usd:.6f}": (
            abs(found["ledger_usd"] - upstream_usd) > 1e-6
        ),
        f"memory grew by {growth:.1%}, more than {MEMORY_GROWTH:.0%}": growth > MEMORY_GROWTH,
    }
    return [sentence for sentence, is_wrong in checks.items() if is_wrong]


def ledger(log: Path) -> dict[str, float]:
    """What the gateway's log says was answered, and what it cost."""
    lines = tokens = 0
    spent_usd: list[float] = []
    with log.open() as file:
        for line in map(json.loads, file):
            lines += 1
            tokens += sum(call["completion_tokens"] for call in line["calls"])
            spent_usd += [call["cost_usd"] for call in line["calls"] if call["cost_usd"]]
    return {
        "log_lines": lines,
        "ledger_answered": tokens / USAGE["completion_tokens"],
        "ledger_usd": math.fsum(spent_usd),
    }


def capacity(running: Running) -> float:
    """Requests a second at 32 connections, half of them streams."""
    seconds = 0.0
    for stream in (False, True):
        for count in (64, 400):
            load = Load(url=running.url, model="auto", requests=count, connections=CONNECTIONS, stream=stream)
            asyncio.run(load.run())
        seconds += load.seconds
    return 800 / seconds


async def soak(running: Running, rate: float, seconds: float) -> dict[str, float]:
    """Requests at an even pace, whether earlier ones have ended or not, but for `MOST_UNDER_WAY`."""
    ends: Counter[str] = Counter()
    memory: list[int] = []
    tasks: set[asyncio.Task[None]] = set()
    began_s = last_look_s = last_said_s = time.monotonic()
    number = held_back = 0
    while (now_s := time.monotonic()) < began_s + seconds:
        if now_s - last_look_s > LOOK_EVERY_S:
            last_look_s = now_s
            memory.append(running.memory_bytes())
        if now_s - last_said_s > SAY_EVERY_S:
            last_said_s = now_s
            say(f"{number} requests in {now_s - began_s:.0f} s, {ends['answered']} answered, {memory[-1] >> 20} MB")
        while number + held_back < (now_s - began_s) * rate:
            if len(tasks) >= MOST_UNDER_WAY:
                held_back += 1
                continue
            task = asyncio.create_task(_ask(running, number, ends))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks, return_exceptions=True)
    ended_s = time.monotonic()
    settled = memory[int(len(memory) * WARM_UP_SHARE) :] or [running.memory_bytes()]
    return {
        "requests": number,
        "requests_per_s": round(number / (ended_s - began_s), 1),
        "held_back": held_back,
        "answered": ends["answered"],
        "errors_said": ends["said"],
        "lost": number - ends["answered"] - ends["said"],
        "seconds": round(ended_s - began_s, 1),
        "memory_first_mb": settled[0] / 2**20,
        "memory_last_mb": settled[-1] / 2**20,
        "memory_most_mb": max(settled) / 2**20,
    }


async def _ask(running: Running, number: int, ends: Counter[str]) -> None:
    load = Load(url=running.url, model="auto", requests=1, connections=1, stream=number % 2 == 0, first=number % TEXTS)
    with suppress(OSError, EOFError, TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await load.run()
        if not load.failures:
            ends["answered"] += 1
        elif '"error"' in load.failures[0]:
            ends["said"] += 1
