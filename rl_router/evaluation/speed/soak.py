"""A long time at a share of capacity before an upstream that fails, hangs and drops: is anything lost?

Every request must end in an answer or in an error that is said. The ledger in the gateway's log must come to what the
upstream says that it has answered.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from rl_router.evaluation.speed.chat_load import Load
from rl_router.evaluation.speed.chat_server import USAGE
from rl_router.evaluation.speed.gateway_cost import Running, backend, started
from rl_router.evaluation.speed.gateways import ours
from rl_router.observe.console import say

TEXTS = 5_000
"""How many texts there are, again and again: what is cached of them must not count as growth."""
LOOK_EVERY_S = 5.0
CONNECTIONS = 32


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
        log = [json.loads(line) for line in (folder / "soak" / "log.jsonl").read_text().splitlines()]
        with urllib.request.urlopen(f"{faulty.removesuffix('/v1')}/count") as answer:
            found["upstream_answered"] = json.load(answer)["answered"]
    tokens = sum(call["completion_tokens"] for line in log for call in line["calls"])
    found |= {"log_lines": len(log), "ledger_answered": tokens / USAGE["completion_tokens"]}
    print(json.dumps(found, indent=2))
    lost = found["lost"] or found["log_lines"] != found["requests"]
    sys.exit(1 if lost or found["ledger_answered"] != found["upstream_answered"] else 0)


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
    """Requests at an even pace, whether earlier ones have ended or not."""
    ends: Counter[str] = Counter()
    memory: list[int] = []
    tasks: set[asyncio.Task[None]] = set()
    began_s = last_look_s = time.monotonic()
    number = 0
    while (now_s := time.monotonic()) < began_s + seconds:
        if now_s - last_look_s > LOOK_EVERY_S:
            last_look_s = now_s
            memory.append(running.memory_bytes())
        while number < (now_s - began_s) * rate:
            task = asyncio.create_task(_ask(running, number, ends))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)
    settled = memory[len(memory) // 5 :] or [running.memory_bytes()]
    return {
        "requests": number,
        "answered": ends["answered"],
        "errors_said": ends["said"],
        "lost": ends["lost"],
        "seconds": round(time.monotonic() - began_s, 1),
        "memory_first_mb": settled[0] / 2**20,
        "memory_last_mb": settled[-1] / 2**20,
        "memory_most_mb": max(settled) / 2**20,
    }


async def _ask(running: Running, number: int, ends: Counter[str]) -> None:
    load = Load(url=running.url, model="auto", requests=1, connections=1, stream=number % 2 == 0, first=number % TEXTS)
    try:
        await load.run()
    except (OSError, EOFError, psutil.Error):
        ends["lost"] += 1
        return
    if not load.failures:
        ends["answered"] += 1
    else:
        ends["said" if '"error"' in load.failures[0] else "lost"] += 1
