"""The Controller is an openai client: in this process, or at a gateway."""

import asyncio
import subprocess
import sys

import openai
import pytest
from scripted import ScriptedServer, completion, events

from rl_router import AsyncController, Controller
from rl_router.errors import RecipeError

SUM = [{"role": "user", "content": "sum sum number3"}]


def test_a_controller_in_this_process_routes_and_answers(run, pool):
    with ScriptedServer(lambda body: completion(body["model"])) as upstream:
        client = Controller(run, pool=str(pool), settings={"endpoint": upstream.url})
        assert isinstance(client, openai.OpenAI)
        with client:
            answer = client.chat.completions.create(model="router-knn-0.6", messages=SUM)
    assert answer.choices[0].message.content == "small"
    assert answer.router_metadata["routing_strategy"] == "knn@0.6"


def test_an_async_controller_streams(run, pool):
    async def ask(url):
        async with AsyncController({"mine": run}, pool=str(pool), settings={"endpoint": url}) as client:
            assert isinstance(client, openai.AsyncOpenAI)
            stream = await client.chat.completions.create(model="rl-router/mine", messages=SUM, stream=True)
            return [chunk.choices[0].delta.content or "" async for chunk in stream]

    with ScriptedServer(lambda body: events(["a", "b"])) as upstream:
        assert "".join(asyncio.run(ask(upstream.url))) == "ab"


def test_a_controller_at_a_gateway(gateway):
    with gateway(lambda body: completion("42")) as (running, _), Controller(base_url=running.url) as client:
        answer = client.chat.completions.create(model="auto", messages=SUM)
    assert answer.choices[0].message.content == "42"


@pytest.mark.parametrize("settings", [{}, {"run": "x", "base_url": "http://127.0.0.1:1/v1"}, {"run": "x"}])
def test_a_controller_says_what_it_needs(settings):
    with pytest.raises(RecipeError):
        Controller(**settings)


def test_the_package_loads_no_client_before_it_is_asked_for():
    code = "import sys, rl_router; print([m for m in ('openai', 'numpy', 'uvicorn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
