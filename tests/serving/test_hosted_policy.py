"""A policy whose weights an engine holds: host_policy.sh starts it, the gateway plays the same episodes over it.

No engine runs on a machine without a GPU, so a fake one on the PATH takes the documented flags, records its arguments
and samples with the very weights that it was pointed at: what it answers must be what the policy says in process.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from scripted import Scripted, ScriptedServer, completion

pytest.importorskip("torch")

from rl_router.errors import CheckpointError, RecipeError
from rl_router.evaluation.speed.gateway_cost import free_port
from rl_router.pool.spec import load_specs, pool_path
from rl_router.recipe import load_step
from rl_router.serving.background import gateway_in_background
from rl_router.serving.host_policy import command_for
from rl_router.serving.job import Engine, ServeJob

pytestmark = pytest.mark.timeout(600)  # processes that load torch, on a machine that may be busy
ROOT = Path(__file__).parents[2]
FAKE = ROOT / "tests" / "servers" / "fake_engine.py"
QUESTIONS = ("2 + 2", "How many feet are 3 yards?", "What comes after b, c, d?")


@contextmanager
def hosted(run, engine, folder, *more):
    """`bash evaluation/host_policy.sh RUN`, with the fake engine on the PATH; its URL."""
    folder.mkdir()
    program = folder / engine
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" {engine} "$@"\n')
    program.chmod(0o755)
    port = free_port()
    command = ["bash", str(ROOT / "evaluation" / "host_policy.sh"), str(run), "--engine", engine, "--port", str(port)]
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*command, *more], env=environment, cwd=folder) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            until_s = time.monotonic() + 300
            while process.poll() is None and time.monotonic() < until_s:
                try:
                    httpx.get(f"{url}/seen", timeout=5)
                    break
                except httpx.HTTPError:
                    time.sleep(0.2)
            yield url
        finally:
            process.kill()


def answers(job):
    with gateway_in_background(job, {}) as gateway:
        found = []
        for question in QUESTIONS:
            body = {"model": "auto", "messages": [{"role": "user", "content": question}], "cost_weight": 0.25}
            asked = httpx.post(f"{gateway.url}/chat/completions", json=body, timeout=120)
            assert asked.status_code == 200, asked.text
            answer = asked.json()
            metadata = answer["router_metadata"]
            calls = [(call["model"], call["query"]) for call in metadata["call_history"]]
            said = answer["choices"][0]["message"]["content"]
            found.append((said, calls, metadata["turns_used"], metadata["router_cost"], metadata["stop"]))
        return found


@pytest.mark.parametrize("engine", ["sglang", "vllm"])
def test_a_hosted_policy_plays_the_episodes_that_it_plays_in_process(policy_run, tmp_path, engine):
    job = ServeJob(pool="world", backend="simulated", routers={"tiny": policy_run}, port=0)
    with hosted(policy_run, engine, tmp_path / "bin", "--", "--tensor-parallel-size", "2") as url:
        there = answers(replace(job, engines={"tiny": Engine(url=url, kind=engine)}))
        seen = httpx.get(f"{url}/seen").json()
    assert there == answers(job)
    assert seen["arguments"][-2:] == ["--tensor-parallel-size", "2"]
    assert str(policy_run / "policy") in seen["arguments"]
    counts = [turns for _, _, turns, _, _ in there]
    assert sum(counts) == len(seen["turns"]) > len(QUESTIONS)  # some episode asks before it answers
    check_prefixes(seen["turns"], counts)


def check_prefixes(turns, counts):
    """Each prompt of an episode is the one before it, the sampled ids and the reply."""
    for count in counts:
        episode, turns = turns[:count], turns[count:]
        for before, after in zip(episode, episode[1:], strict=False):
            joined = [*before["prompt"], *before["sampled"]]
            assert after["prompt"][: len(joined)] == joined


def test_the_calls_of_a_policy_go_through_the_gateways_own_endpoints_and_breakers(policy_run, tmp_path):
    specs = load_specs(pool_path("world"))
    pool = tmp_path / "pool.yaml"
    entry = {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0}
    pool.write_text(json.dumps({"models": [{"name": spec.name, **entry} for spec in specs]}))
    with ScriptedServer(lambda body: completion("7")) as upstream:
        job = ServeJob(pool=str(pool), endpoint=upstream.url, routers={"tiny": policy_run}, port=0)
        with gateway_in_background(job, {}) as gateway:
            body = {"model": "auto", "messages": [{"role": "user", "content": QUESTIONS[0]}]}
            answer = httpx.post(f"{gateway.url}/chat/completions", json=body, timeout=60).json()
            calls = answer["router_metadata"]["call_history"]
            assert len(calls) == len(upstream.bodies) > 0
            # 100 tokens in, 50 out: 100 x 1 + 50 x 2 millionths of a dollar
            assert {call["cost_usd"] for call in calls} == {0.0002}
            assert all("x-rl-router-deadline-s" in headers for headers in upstream.headers)


FAILURES = [
    (Scripted(content=b'{"message": "out of memory"}', status=500), 503, "answered 500 (out of memory)"),
    (Scripted(content=b'{"message": "too long"}', status=400), 502, "answered 400 (too long)"),
    (completion("text, and no ids"), 502, "sent no token ids: is it sglang?"),
    (Scripted(content=b'{"output_ids": [1, -1]}'), 502, "sent no token ids"),
]


def test_an_engine_that_fails_is_an_error_in_openais_shape(policy_run):
    replies = iter([reply for reply, _, _ in FAILURES])
    with ScriptedServer(lambda body: next(replies)) as engine:
        engines = {"tiny": Engine(url=engine.url.removesuffix("/v1"))}
        job = ServeJob(pool="world", backend="simulated", routers={"tiny": policy_run}, engines=engines, port=0)
        with gateway_in_background(job, {}) as gateway:
            for _, status, words in FAILURES:
                body = {"model": "auto", "messages": [{"role": "user", "content": "2 + 2"}]}
                answer = httpx.post(f"{gateway.url}/chat/completions", json=body, timeout=60)
                assert answer.status_code == status
                assert words in answer.json()["error"]["message"]


def test_an_engine_that_is_not_there_is_a_503_and_one_that_hangs_a_504(policy_run):
    def asked(url, **headers):
        job = ServeJob(
            pool="world", backend="simulated", routers={"tiny": policy_run}, engines={"tiny": Engine(url=url)}, port=0
        )
        with gateway_in_background(job, {}) as gateway:
            body = {"model": "auto", "messages": [{"role": "user", "content": "2 + 2"}]}
            return httpx.post(f"{gateway.url}/chat/completions", json=body, headers=headers, timeout=60)

    nobody = asked(f"http://127.0.0.1:{free_port()}")
    assert (nobody.status_code, nobody.headers["retry-after"]) == (503, "5")
    with ScriptedServer(lambda body: Scripted(content=b"{}", wait_s=600)) as engine:
        hung = asked(engine.url, **{"x-rl-router-deadline-s": "0.5"})
        assert (hung.status_code, hung.json()["error"]["code"]) == (504, "deadline_exceeded")
        until_s = time.monotonic() + 20
        while not engine.broken_off and time.monotonic() < until_s:
            time.sleep(0.02)
        assert engine.broken_off == 1  # the engine is not left decoding for nobody


def test_what_cannot_be_hosted_is_refused_in_a_sentence(run, policy_run, tmp_path):
    with pytest.raises(CheckpointError, match="expected a run folder"):
        command_for(tmp_path, "sglang", host="127.0.0.1", port=1)
    engines = {"knn": Engine(url="http://127.0.0.1:1")}
    job = ServeJob(pool="world", backend="simulated", routers={"tiny": policy_run}, engines=engines, port=0)
    with (
        pytest.raises(RecipeError, match=r"engines.knn hosts no policy of this gateway: tiny"),
        gateway_in_background(job, {}),
    ):
        pass


def test_without_an_engine_on_the_path_the_script_says_what_to_install(policy_run, tmp_path):
    command = ["bash", str(ROOT / "evaluation" / "host_policy.sh"), str(policy_run), "--engine", "vllm"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 1
    assert "pip install 'rl-router[vllm]'" in done.stderr


def test_the_recipe_of_a_hosted_policy_points_at_what_the_script_starts():
    job = load_step(ServeJob, "hosted", [], folder="serve")
    assert job.engines == {"xrouter_dapo": Engine(url="http://127.0.0.1:30000", kind="sglang")}
    assert set(job.engines) == set(job.routers)
