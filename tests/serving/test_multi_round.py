"""Multi-round routers behind the gateway: on the embedded world for what comes of it, on a script for what they ask."""

import json
import time
from functools import partial

import httpx
import numpy as np
import pytest
from scripted import Scripted, completion, refusal

from rl_router.data.decomposition import asked_to_split
from rl_router.episode.multi_round_run import MultiRoundJob, write_multi_round
from rl_router.errors import PoolError
from rl_router.evaluation.online.two_hops import STRONGEST, best_mixture, best_routed, in_one_go, questions, world_table
from rl_router.routers.knn import Knn
from rl_router.routers.router import load_router
from rl_router.serving.background import gateway_in_background
from rl_router.serving.catalog import Catalog
from rl_router.serving.job import ServeJob

WAIT_S = 60


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The runs of kNN and of both multi-round routers over the embedded world."""
    folder = tmp_path_factory.mktemp("runs")
    Knn(k=20).fit(world_table(960)).save(folder / "knn" / "router")
    world = {"pool": "world", "backend": "simulated", "decomposer": "nano"}
    write_multi_round(MultiRoundJob(name="knn", run_dir=folder / "by_knn", chooser=folder / "knn", **world))
    write_multi_round(MultiRoundJob(name="llm", run_dir=folder / "by_llm", **world))
    return folder


@pytest.fixture(scope="module")
def served(runs, tmp_path_factory):
    """(address, log) of a gateway over the simulated pool."""
    log = tmp_path_factory.mktemp("log") / "log.jsonl"
    routers = {name: runs / name for name in ("by_knn", "by_llm", "knn")}
    with gateway_in_background(
        ServeJob(pool="world", backend="simulated", routers=routers, port=0, log=log), {}
    ) as running:
        yield running.url, log


def ask(url, text, **body):
    messages = [{"role": "user", "content": text}]
    return httpx.post(f"{url}/chat/completions", json={"messages": messages} | body, timeout=WAIT_S)


@pytest.mark.parametrize("name", ["by_knn", "by_llm"])
def test_two_hop_questions_are_answered_better_than_by_any_one_shot_router_of_that_price(served, runs, name):
    url, log = served
    queries = questions(40)
    answers = [ask(url, query.text, model=f"rl-router/{name}", cost_weight=1).json() for query in queries]
    right = [a["choices"][0]["message"]["content"] in q.answers for a, q in zip(answers, queries, strict=True)]
    costs_usd = [answer["router_metadata"]["total_cost"] for answer in answers]
    assert np.mean(costs_usd) < 0.75 * in_one_go(queries)[STRONGEST][1]
    assert np.mean(right) > best_mixture(in_one_go(queries), np.mean(costs_usd)) + 0.1
    knn = load_router(runs / "knn" / "router")
    assert np.mean(right) > best_routed(knn, queries, np.mean(costs_usd)) + 0.1
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    logged_usd = sum(line["cost_usd"] for line in logged if line["asked_model"] == f"rl-router/{name}")
    assert logged_usd == pytest.approx(sum(costs_usd), abs=1e-8)


def test_the_metadata_has_every_call_and_the_price_of_the_splitting(served):
    metadata = ask(served[0], questions(1)[0].text, model="rl-router/by_knn", cost_weight=0.5).json()["router_metadata"]
    split, *parts = metadata["call_history"]
    assert split["model"] == "nano" and len(parts) >= 1
    assert metadata["router_cost"] == pytest.approx(split["cost_usd"])
    assert metadata["total_cost"] == pytest.approx(sum(call["cost_usd"] for call in metadata["call_history"]))
    assert (metadata["turns_used"], metadata["stop"]) == (1 + len(parts), "answered")
    assert (metadata["routing_strategy"], metadata["cost_weight"]) == ("by_knn", 0.5)


def test_a_stream_says_the_same_as_a_whole_answer(served):
    text = questions(1)[0].text
    whole = ask(served[0], text, model="rl-router/by_llm").json()
    streamed = ask(served[0], text, model="rl-router/by_llm", stream=True).text
    events = [event.removeprefix("data: ") for event in streamed.split("\n\n") if event]
    chunks = [json.loads(event) for event in events[:-1]]
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert (events[-1], said) == ("[DONE]", whole["choices"][0]["message"]["content"])
    assert chunks[-1]["router_metadata"]["total_cost"] == whole["router_metadata"]["total_cost"]


def test_a_spent_budget_ends_it_and_is_said(served):
    answer = ask(served[0], questions(1)[0].text, model="rl-router/by_llm", budget_usd=1e-12).json()
    assert (answer["choices"][0]["message"]["content"], answer["choices"][0]["finish_reason"]) == ("", "length")
    assert answer["router_metadata"]["stop"] == "over_budget"


@pytest.mark.parametrize(
    ("body", "param"),
    [({"tools": [{"type": "function"}]}, "tools"), ({"n": 2}, "n"), ({"allowed_models": ["titan"]}, "allowed_models")],
)
def test_what_it_cannot_pass_on_is_refused(served, body, param):
    answer = ask(served[0], "2 + 2", model="rl-router/by_llm", **body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_it_is_listed_and_is_not_taken_for_a_policy(served):
    names = [model["id"] for model in httpx.get(f"{served[0]}/models", timeout=WAIT_S).json()["data"]]
    assert "rl-router/by_knn" in names and "router-tool-rl" not in names


@pytest.fixture
def rounds(tmp_path, pool, gateway):
    """`with rounds(what a model says to a part)`: a gateway before models of which `small` splits into two parts."""
    write_multi_round(MultiRoundJob(name="llm", run_dir=tmp_path / "run", pool=str(pool), decomposer="small"))

    def reply(says, body):
        text = body["messages"][-1]["content"]
        if asked_to_split(text):
            return completion("1. [mid] who wrote it\n2. [mid] where was #1 born")
        return says(body["model"], text)

    return lambda says: gateway(partial(reply, says), routers={"rounds": tmp_path / "run"})


def born(model, text):
    return completion({"who wrote it": "ada", "where was ada born": "ulm"}[text])


def test_through_real_endpoints_each_part_is_one_call_and_keys_stay_inside(rounds):
    with rounds(born) as (running, upstream):
        answer = ask(running.url, "where was its author born", model="rl-router/rounds").json()
    assert answer["choices"][0]["message"]["content"] == "ulm"
    metadata = answer["router_metadata"]
    assert [call["model"] for call in metadata["call_history"]] == ["small", "mid", "mid"]
    assert metadata["router_cost"] == pytest.approx(190e-6)  # 80 · 1 + 20 · 0.5 + 50 · 2 per million
    assert metadata["target_models_cost"] == pytest.approx(2 * 1900e-6)
    assert metadata["cost_known"] and "secret" not in json.dumps(answer)
    assert len(upstream.bodies) == 3


def test_a_part_whose_call_fails_is_asked_of_another_model(rounds):
    def says(model, text):
        return refusal(500, "broken") if model == "mid" else born(model, text)

    with rounds(says) as (running, _):
        answer = ask(running.url, "where was its author born", model="rl-router/rounds").json()
    asked = [(call["model"], call["status"]) for call in answer["router_metadata"]["call_history"]]
    assert asked == [("small", "ok"), ("mid", "failed"), ("small", "ok"), ("mid", "failed"), ("small", "ok")]
    assert answer["choices"][0]["message"]["content"] == "ulm"


@pytest.mark.parametrize(
    ("failure", "status", "cost_usd"),
    [
        (refusal(500, "broken"), 502, 190e-6),  # of the splitting
        (refusal(429, "slower"), 429, 190e-6),
        (Scripted(content=b"<html>"), 502, None),  # it may have been billed
    ],
)
def test_a_part_that_nobody_answers_is_an_error_that_is_logged_with_what_it_cost(
    rounds, tmp_path, failure, status, cost_usd
):
    with rounds(lambda model, text: failure) as (running, _):
        answer = ask(running.url, "where was its author born", model="rl-router/rounds")
    assert answer.status_code == status and "got no answer" in answer.json()["error"]["message"]
    (line,) = [json.loads(text) for text in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert (line["outcome"], line["status"], len(line["calls"])) == ("refused", status, 3)
    assert line["cost_usd"] == (None if cost_usd is None else pytest.approx(cost_usd))


def test_a_model_that_splits_badly_is_asked_the_whole_question(rounds):
    def says(model, text):
        return completion("hello")

    with rounds(says) as (running, upstream):
        upstream.reply = lambda body: completion("I would rather not.")
        answer = ask(running.url, "why", model="rl-router/rounds").json()
    assert answer["choices"][0]["message"]["content"] == "I would rather not."
    assert [call["model"] for call in answer["router_metadata"]["call_history"]] == ["small", "small"]


def test_a_client_that_leaves_ends_the_calls(rounds):
    def says(model, text):
        return Scripted(content=b"{}", wait_s=30)

    with rounds(says) as (running, upstream):
        with pytest.raises(httpx.ReadTimeout):
            body = {"model": "rl-router/rounds", "messages": [{"role": "user", "content": "why"}]}
            httpx.post(f"{running.url}/chat/completions", json=body, timeout=0.5)
        deadline_s = time.monotonic() + 10
        while not upstream.broken_off and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert upstream.broken_off == 1


def test_a_pool_without_the_model_that_splits_is_refused_at_the_start(tmp_path, runs, pool):
    job = ServeJob(pool=str(pool), routers={"rounds": runs / "by_llm"}, endpoint="http://127.0.0.1:1/v1", port=0)
    with pytest.raises(PoolError, match="decomposer is 'nano', and the pool has small, mid, large"):
        Catalog.open(job, {"API_KEYS": "sk-test"})
