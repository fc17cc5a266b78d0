"""Many streams at once, and clients that read slowly."""

import asyncio
import time
from contextlib import AsyncExitStack

import httpx
import pytest
from scripted import completion, events

from rl_router.evaluation.speed.many_streams import slow_reader

SUM = [{"role": "user", "content": "sum sum number3"}]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("slow", [0, 3])
def test_two_hundred_streams_at_once_are_all_whole_also_beside_clients_that_read_a_byte_a_second(gateway, slow):
    """With a thousand: python evaluation/benchmark_streams.py. The slow ones ask for 64 MB that nobody could keep."""
    taken = []

    def reply(body):
        if body["model"] != "large":
            return events(["a"] * 10, pause_s=0.05)
        parts = events(["x" * 64_000] * 1000)
        return type(parts)(content=Counted(parts.content, taken))

    async def ask(client, url):
        body = {"model": "auto", "messages": SUM, "stream": True}
        answer = await client.post(f"{url}/chat/completions", json=body)
        return answer.text.count("data: "), answer.text.endswith("[DONE]\n\n")

    async def all_of_them(url):
        limits = httpx.Limits(max_connections=None)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=90, limits=limits))
            for _ in range(slow):
                await stack.enter_async_context(slow_reader(url, "large"))
            return await asyncio.gather(*(ask(client, url) for _ in range(200)))

    with gateway(reply) as (running, _):
        found = asyncio.run(all_of_them(running.url))
    assert set(found) == {(13, True)}
    assert len(taken) < 500 * max(1, slow)  # of 1,000 parts each: what nobody reads is not taken from the upstream


@pytest.mark.timeout(120)
def test_a_client_that_hardly_reads_does_not_slow_another(gateway):
    """One reads a byte now and then of an answer of 64 MB; the gateway stops reading for it, and serves the other."""
    taken = []

    def reply(body):
        if body["model"] == "large":
            parts = events(["x" * 64_000] * 1000)
            return type(parts)(content=Counted(parts.content, taken))
        return completion("fine")

    with gateway(reply) as (running, _):
        slow = httpx.Client(timeout=60)
        body = {"model": "large", "messages": SUM, "stream": True}
        with slow.stream("POST", f"{running.url}/chat/completions", json=body) as answer:
            stream = answer.iter_raw(1)
            for _ in range(3):
                next(stream)
                other = {"model": "mid", "messages": SUM}
                assert httpx.post(f"{running.url}/chat/completions", json=other, timeout=30).status_code == 200
                time.sleep(0.3)
            assert len(taken) < 500  # of 1,000 parts: what nobody reads is not taken from the upstream
        slow.close()


class Counted:
    """The parts of a stream, noting which have been taken."""

    def __init__(self, parts, taken):
        self._parts, self._taken = parts, taken

    def __iter__(self):
        for number, part in enumerate(self._parts):
            self._taken.append(number)
            yield part
