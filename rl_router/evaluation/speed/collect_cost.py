"""How fast `collect` asks, beside the fastest that a number of calls in flight allows, and what a call costs in CPU.

With n calls in flight and a server that takes L seconds, no caller gets more than n ÷ L answers a second. Bare httpx,
bare aiohttp and the bare HTTP client of `collect` (`lean`) ask the same server the same questions on the same kind of
event loop and do nothing else: no retry, no ledger, no record, no grade.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

from rl_router.data.queries import write_queries
from rl_router.errors import RunError
from rl_router.evaluation.speed.reply_server import reply_server
from rl_router.pipeline.collect import CollectJob, collect
from rl_router.pool.event_loop import event_loop
from rl_router.pool.http_client import HttpClient
from rl_router.pool.live_pool import LivePool
from rl_router.types import Query

CALLERS = ("collect", "lean", "httpx", "aiohttp")
PATIENCE = 3
"""A bare caller that is too slow for its calls stops after so many times the seconds that they take at ideal speed."""

Bare = tuple[int, float, float]
"""Calls, the seconds that they took, and CPU seconds."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One measurement. `share_of_ideal` compares `calls_per_s` with `in_flight` ÷ latency. The CPU of `collect` has
    reading the questions and writing the table in it."""

    caller: str
    in_flight: int
    calls: int
    calls_per_s: float
    share_of_ideal: float
    cpu_us_per_call: float


def measure(
    in_flight: Sequence[int], *, latency_s: float, seconds: float, callers: Sequence[str] = CALLERS, processes: int = 2
) -> Iterator[Speed]:
    """Each caller at each number of calls in flight, for about `seconds` each at ideal speed."""
    with reply_server(latency_s, processes) as url:
        for caller in callers:  # what is loaded at the first call belongs to none of them
            _measured(caller, url, 1, 2, latency_s)
        for count in in_flight:
            calls = max(2 * count, round(seconds * count / latency_s))
            for caller in callers:
                yield _measured(caller, url, count, calls, latency_s)


def _measured(caller: str, url: str, in_flight: int, calls: int, latency_s: float) -> Speed:
    if caller == "collect":
        asking_s, cpu_s = _collect(url, in_flight, calls)
    else:
        ends_s = PATIENCE * calls / in_flight * latency_s
        with asyncio.Runner(loop_factory=event_loop()) as runner:
            calls, asking_s, cpu_s = runner.run(BARE[caller](url, in_flight, calls, ends_s))
    return Speed(
        caller=caller,
        in_flight=in_flight,
        calls=calls,
        calls_per_s=calls / asking_s,
        share_of_ideal=calls / asking_s / (in_flight / latency_s),
        cpu_us_per_call=1e6 * cpu_s / calls,
    )


def _collect(url: str, in_flight: int, calls: int) -> tuple[float, float]:
    """Seconds that `collect` took to ask, grade, price and journal, and its CPU seconds in all."""
    with tempfile.TemporaryDirectory() as name, redirect_stderr(io.StringIO()):
        folder = Path(name)
        pool = folder / "pool.yaml"
        pool.write_text(json.dumps({"models": [{"name": "m", "input_usd_per_mtok": 1, "output_usd_per_mtok": 2}]}))
        write_queries(folder / "queries.parquet", [_question(i) for i in range(calls)])
        job = CollectJob(
            name="speed",
            queries=folder / "queries.parquet",
            run_dir=folder / "run",
            pool=LivePool(file=str(pool), endpoint=url, concurrency=in_flight, attempts=1),
        )
        cpu_s = time.process_time()
        asking_s = collect(job, os.environ).asking_s
        return asking_s, time.process_time() - cpu_s


def _question(number: int) -> Query:
    text = f"Question {number}: what is the answer to life, the universe and everything? Reply with a number in words."
    return Query(query_id=str(number), text=text, answers=("forty two",), task="deep", dataset="speed", split="train",
                 grader="exact_match")  # fmt: skip


async def _httpx(url: str, in_flight: int, calls: int, ends_s: float) -> Bare:
    import httpx

    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(limits=limits, timeout=120) as client:

        async def ask(body: bytes) -> None:
            response = await client.post(
                f"{url}/chat/completions", content=body, headers={"content-type": "application/json"}
            )
            json.loads(response.content)

        return await _keep_asking(ask, in_flight, calls, ends_s)


async def _aiohttp(url: str, in_flight: int, calls: int, ends_s: float) -> Bare:
    try:
        import aiohttp
    except ImportError:
        raise RunError("Bare aiohttp is not installed; leave it out with --callers collect lean httpx.") from None

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as client:

        async def ask(body: bytes) -> None:
            headers = {"content-type": "application/json"}
            async with client.post(f"{url}/chat/completions", data=body, headers=headers) as response:
                json.loads(await response.read())

        return await _keep_asking(ask, in_flight, calls, ends_s)


async def _lean(url: str, in_flight: int, calls: int, ends_s: float) -> Bare:
    client = HttpClient()

    async def ask(body: bytes) -> None:
        response = await client.post(f"{url}/chat/completions", {"content-type": "application/json"}, body)
        json.loads(response.body)

    try:
        return await _keep_asking(ask, in_flight, calls, ends_s)
    finally:
        client.close()


BARE = {"lean": _lean, "httpx": _httpx, "aiohttp": _aiohttp}


async def _keep_asking(ask: Callable[[bytes], Awaitable[None]], in_flight: int, calls: int, ends_s: float) -> Bare:
    numbers, asked = iter(range(calls)), 0

    async def work() -> None:
        nonlocal asked
        for number in numbers:
            if time.perf_counter() - began_s > ends_s:
                return
            asked += 1
            message = {"role": "user", "content": _question(number).text}
            await ask(json.dumps({"model": "m", "messages": [message], "max_tokens": 1024}).encode())

    began_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return asked, time.perf_counter() - began_s, time.process_time() - cpu_s
