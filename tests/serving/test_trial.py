"""A new router as a shadow and as a canary, over real HTTP. The one that serves is right; the new one is `mid` always.

The log has chance in it, so what the new router would earn can be estimated before it answers anybody: a third.
"""

import asyncio
import json
import secrets
import time
from collections import Counter
from itertools import count

import httpx
import polars as pl
import pytest
from scripted import completion

from rl_router import cli
from rl_router.errors import PoolError, RecipeError
from rl_router.online.learner import Memory
from rl_router.online.store import OutcomeStore
from rl_router.routers.knn import Knn
from rl_router.routers.online import Online
from rl_router.routers.rules import Cascade, EpsilonGreedy
from rl_router.serving.arms import Arms
from rl_router.serving.job import Canary
from rl_router.serving.routing import ServedRouter

BEST = {"poem": "small", "sum": "mid", "proof": "large"}
WAIT_S = 30


@pytest.fixture(scope="module")
def runs(tmp_path_factory, table):
    """By name: a router that is right, one that is right half of the time and else tries anything, one that always says
    `mid`, and a cascade."""
    folder = tmp_path_factory.mktemp("trial")
    right = table
    always_mid = right.part(right.frame.with_columns(score=pl.when(pl.col("model") == "mid").then(1.0).otherwise(0.0)))
    Knn(k=5, prior=0.1).fit(right).save(folder / "right" / "router")
    Knn(k=5, prior=0.1).fit(right, rule=EpsilonGreedy(epsilon=0.5)).save(folder / "trying" / "router")
    Knn(k=5, prior=0.1).fit(always_mid).save(folder / "new" / "router")
    Knn(k=5, prior=0.1).fit(right, rule=Cascade()).save(folder / "cascade" / "router")
    return folder


def text_of(number):
    return f"{list(BEST)[number % 3]} {list(BEST)[number % 3]} number{number}"


def served(url, requests, *, client, **fields):
    """Metadata of `requests` answers, each with its feedback: 1 for the right model and else 0."""
    found = []
    for number in range(requests):
        body = {"model": "auto", "messages": [{"role": "user", "content": text_of(number)}], "user": f"user{number}"}
        answer = client.post(f"{url}/chat/completions", json=body | fields)
        assert answer.status_code == 200, answer.text
        metadata = answer.json()["router_metadata"]
        quality = float(metadata["model_used"] == BEST[list(BEST)[number % 3]])
        client.post(f"{url}/feedback", json={"request_id": metadata["request_id"], "quality": quality})
        found.append(metadata)
    return found


def lines_of(path, kind):
    return [line for line in map(json.loads, path.read_text().splitlines()) if line["kind"] == kind]


def estimates(capsys, log, arm):
    """By outcome, the doubly robust estimate that the command prints."""
    capsys.readouterr()
    assert cli.main(["off-policy", str(log), "--policy", arm, "--json"]) == 0
    return {record["outcome"]: record["estimates"][0] for record in json.loads(capsys.readouterr().out)}


def test_a_shadow_decides_on_every_request_calls_nobody_and_can_be_estimated(
    runs, gateway, tmp_path, capsys, monkeypatch
):
    log, numbers = tmp_path / "log.jsonl", count(1)
    monkeypatch.setattr(secrets, "token_hex", lambda size: f"{next(numbers):024x}")  # what is tried hangs on the id
    jobs = gateway(lambda body: completion(), routers={"trying": runs / "trying"}, shadow=runs / "new")
    with jobs as (running, up), httpx.Client(timeout=WAIT_S) as client:
        served(running.url, 240, client=client)
        deadline_s = time.monotonic() + 10  # the last decision may be later than the last answer
        while len(lines_of(log, "shadow")) < 240 and time.monotonic() < deadline_s:
            time.sleep(0.05)
        metrics = client.get(running.url.removesuffix("/v1") + "/metrics").text
    assert len(up.bodies) == 240
    shadows = {line["query_id"]: line for line in lines_of(log, "shadow")}
    decisions = lines_of(log, "decision")
    assert {line["query_id"] for line in decisions} == set(shadows)
    assert {line["model"] for line in shadows.values()} == {"mid"}
    assert shadows[decisions[0]["query_id"]]["predicted_cost_usd"] == pytest.approx(5e-4, rel=0.01)
    agreed = sum(line["model"] == "mid" for line in decisions)
    assert f'shadow_decisions_total{{result="agreed"}} {agreed}.0' in metrics
    found = estimates(capsys, log, "shadow")
    assert found["quality"]["estimator"] == "doubly_robust"
    assert found["quality"]["low"] <= 1 / 3 <= found["quality"]["high"] < 0.65 < 0.75  # what the one that serves earns
    mid_usd = (80 * 10 + 20 * 5 + 50 * 20) / 1e6
    assert found["cost_usd"]["value"] == pytest.approx(mid_usd, rel=0.02)


@pytest.mark.parametrize("harm", ["hangs", "fails"])
def test_a_shadow_that_hangs_or_fails_holds_nobody_up(runs, gateway, tmp_path, monkeypatch, harm):
    choose = ServedRouter.choose

    async def harmful(self, *arguments, **options):
        if self.name != "new":
            return await choose(self, *arguments, **options)
        if harm == "fails":
            raise ValueError("what the client wrote")
        await asyncio.sleep(3600)

    monkeypatch.setattr(ServedRouter, "choose", harmful)
    with (
        gateway(lambda body: completion(), shadow=runs / "new") as (running, _),
        httpx.Client(timeout=WAIT_S) as client,
    ):
        found = served(running.url, 6, client=client)
        metrics = client.get(running.url.removesuffix("/v1") + "/metrics").text
    assert [metadata["model_used"] for metadata in found] == list(BEST.values()) * 2
    assert lines_of(tmp_path / "log.jsonl", "shadow") == []
    assert ('result="failed"} 6.0' in metrics) == (harm == "fails")


def test_a_canary_answers_its_share_of_the_users_always_the_same(runs, gateway, tmp_path, capsys):
    log = tmp_path / "log.jsonl"
    canary = Canary(router=runs / "new", share=0.3)
    with gateway(lambda body: completion(), canary=canary) as (running, _), httpx.Client(timeout=WAIT_S) as client:
        first, again = served(running.url, 240, client=client), served(running.url, 30, client=client)
        metrics = client.get(running.url.removesuffix("/v1") + "/metrics").text
    arms = [metadata["arm"] for metadata in first]
    repeated = [metadata["arm"] for metadata in again]
    assert repeated == arms[:30]
    assert 0.2 < arms.count("canary") / 240 < 0.4
    for number, metadata in enumerate(first):
        right = BEST[list(BEST)[number % 3]]
        assert metadata["model_used"] == ("mid" if metadata["arm"] == "canary" else right)
        both = right == "mid"  # then either arm would have asked it
        assert metadata["propensity"] == pytest.approx(1.0 if both else 0.3 if metadata["arm"] == "canary" else 0.7)
        assert metadata["routing_strategy"] == ("new" if metadata["arm"] == "canary" else "knn")
    for arm in ("canary", "control"):
        assert f'arm_requests_total{{arm="{arm}",status="200"}} {(arms + repeated).count(arm)}.0' in metrics
    assert 'arm_feedback_total{arm="control",sign="up"}' in metrics and 'arm_cost_usd_total{arm="canary"}' in metrics
    assert 'arm_feedback_total{arm="control",sign="down"}' not in metrics
    lines = lines_of(log, "decision")
    assert Counter(line["arm"] for line in lines) == Counter(arms + repeated)
    assert all(line["arms"]["canary"] == "mid" for line in lines)
    new, old = (estimates(capsys, log, arm)["quality"] for arm in ("canary", "control"))
    assert new["low"] <= 1 / 3 <= new["high"] < 0.6 < 0.9 < old["value"]


def test_a_conversation_stays_in_its_arm_and_a_router_that_is_named_is_not_tried(runs, gateway):
    canary = Canary(router=runs / "new", share=0.5)
    started = gateway(lambda body: completion(), canary=canary, sticky=None)
    with started as (running, _), httpx.Client(timeout=WAIT_S) as client:
        for number in range(12):
            first = {"role": "user", "content": f"poem number{number}"}
            later = [first, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "proof proof"}]
            arms = set()
            for messages in ([first], later):
                body = {"model": "auto", "messages": messages}
                answer = client.post(f"{running.url}/chat/completions", json=body).json()
                arms.add(answer["router_metadata"]["arm"])
            assert len(arms) == 1
        body = {"model": "rl-router/knn", "messages": [first]}
        assert "arm" not in client.post(f"{running.url}/chat/completions", json=body).json()["router_metadata"]


def test_a_canary_that_fails_leaves_the_request_to_the_other(runs, gateway, monkeypatch):
    choose = ServedRouter.choose

    async def failing(self, *arguments, **options):
        if self.name == "new":
            raise ValueError("broken")
        return await choose(self, *arguments, **options)

    monkeypatch.setattr(ServedRouter, "choose", failing)
    canary = Canary(router=runs / "new", share=0.9)
    with gateway(lambda body: completion(), canary=canary) as (running, _), httpx.Client(timeout=WAIT_S) as client:
        found = served(running.url, 6, client=client)
    assert [(m["model_used"], m["arm"], m["propensity"]) for m in found] == [
        (m, "control", 1.0) for m in BEST.values()
    ] * 2


def test_a_canary_that_learns_hears_only_of_what_it_decided(table, gateway, tmp_path):
    learner = Online(base=Knn(k=5), features="lsa:4", floor=0.5, memory=Memory(ridge=1.0)).fit(table)
    learner.save(tmp_path / "online" / "router")
    canary = Canary(router=tmp_path / "online", share=0.5)
    with gateway(lambda body: completion(), canary=canary) as (running, _), httpx.Client(timeout=WAIT_S) as client:
        found = served(running.url, 60, client=client)
        deadline_s = time.monotonic() + 10
        mine = sum(metadata["arm"] == "canary" for metadata in found)
        store = OutcomeStore(tmp_path / "online" / "outcomes.sqlite")
        while len(list(store.outcomes(0))) < 2 * mine and time.monotonic() < deadline_s:
            time.sleep(0.05)
    assert 10 < mine < 50
    assert len(list(store.outcomes(0))) == 2 * mine  # a bill and a grade for each decision of its own


def test_feedback_counts_for_its_arm_whichever_worker_hears_of_it(runs, gateway):
    canary = Canary(router=runs / "new", share=0.5)
    changes = {"canary": canary, "log": None}
    with gateway(lambda body: completion(), **changes) as (one, _), httpx.Client(timeout=WAIT_S) as client:
        body = {"model": "auto", "messages": [{"role": "user", "content": text_of(1)}]}
        answers = [client.post(f"{one.url}/chat/completions", json=body | {"user": f"u{i}"}) for i in range(8)]
        told = [answer.json()["router_metadata"] for answer in answers]
        with gateway(lambda body: completion(), **changes) as (other, _):
            for metadata in told:
                client.post(f"{other.url}/feedback", json={"request_id": metadata["request_id"], "rating": "up"})
            metrics = client.get(other.url.removesuffix("/v1") + "/metrics").text
    arms = Counter(metadata["arm"] for metadata in told)
    assert set(arms) == {"canary", "control"}
    for arm in arms:
        assert f'arm_feedback_total{{arm="{arm}",sign="up"}} {arms[arm]}.0' in metrics


def test_a_canary_answers_though_its_arm_cannot_be_kept(runs, gateway, monkeypatch):
    def full(self, answer, arm):
        raise PoolError("no space")

    monkeypatch.setattr(Arms, "keep", full)
    canary = Canary(router=runs / "new", share=0.5)
    with gateway(lambda body: completion(), canary=canary) as (running, _), httpx.Client(timeout=WAIT_S) as client:
        assert {metadata["arm"] for metadata in served(running.url, 9, client=client)} == {"canary", "control"}


@pytest.mark.parametrize("changes", ["shadow", "canary"])
def test_a_cascade_is_not_tried(runs, gateway, changes):
    job = (
        {"shadow": runs / "cascade"} if changes == "shadow" else {"canary": Canary(router=runs / "cascade", share=0.1)}
    )
    with pytest.raises(RecipeError, match="a cascade: what its later calls come to"), gateway(lambda body: None, **job):
        pass
