"""Many streams at once, and clients that read slowly."""

import asyncio
import time

import httpx
import pytest
from scripted import completion, events

SUM = [{"role": "user", "content": "sum sum number3"}]


def test_two_hundred_streams_at_once_are_all_whole(gateway):
    """The benchmark does it with a thousand: python evaluation/benchmark_gateway.py --connections 1000."""

    async def ask(client, url):
        body = {"model": "auto", "messages": SUM, "stream": True}
        answer = await client.post(f"{url}/chat/completions", json=body)
        return answer.text.count("data: "), answer.text.endswith("[DONE]\n\n")

    async def all_of_them(url):
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=90, limits=limits) as client:
            return await asyncio.gather(*(ask(client, url) for _ in range(200)))

    with gateway(lambda body: events(["a"] * 10, pause_s=0.05)) as (running, _):
        found = asyncio.run(all_of_them(running.url))
    assert set(found) == {(13, True)}


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
