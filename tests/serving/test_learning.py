"""A router that learns while it serves: feedback that was acknowledged is in the file, whoever dies then."""

import os
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest
from gateway_process import LIMIT_S, ask, serving
from scripted import ScriptedServer, completion

from rl_router.online.learner import Memory
from rl_router.online.store import OutcomeStore
from rl_router.routers.knn import Knn
from rl_router.routers.online import Online

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def learner(table, tmp_path):
    """The run folder of a router that learns."""
    folder = tmp_path / "online"
    Online(base=Knn(k=5), features="lsa:4", floor=0.5, memory=Memory(ridge=1.0)).fit(table).save(folder / "router")
    return folder


def grades(run):
    """(model, quality) of every grade in the file, in the order in which they were acknowledged."""
    outcomes = [outcome for _, outcome in OutcomeStore(run / "outcomes.sqlite").outcomes(0)]
    return [(outcome.model, outcome.quality) for outcome in outcomes if outcome.quality is not None]


def rate(url, request_id, quality):
    return httpx.post(f"{url}/feedback", json={"request_id": request_id, "quality": quality}, timeout=30)


def test_feedback_is_acknowledged_when_it_is_in_the_file_and_not_before(gateway, learner, monkeypatch):
    outcome = Online.outcome

    def slowly(self, *arguments, quality=None, **options):
        time.sleep(0.3 if quality is not None else 0.0)
        outcome(self, *arguments, quality=quality, **options)

    monkeypatch.setattr(Online, "outcome", slowly)
    with gateway(lambda body: completion(), routers={"online": learner}) as (running, _):
        answer = ask(running.url)
        assert rate(running.url, answer.headers["x-request-id"], 0.75).status_code == 200
        assert grades(learner) == [(answer.json()["router_metadata"]["model_used"], 0.75)]


def test_feedback_that_cannot_be_kept_is_not_acknowledged(gateway, learner, monkeypatch):
    def full(self, *arguments, **options):
        raise OSError("no space")

    with gateway(lambda body: completion(), routers={"online": learner}) as (running, _):
        answer = ask(running.url)
        monkeypatch.setattr(OutcomeStore, "happened", full)
        assert rate(running.url, answer.headers["x-request-id"], 0.75).status_code == 500
    assert grades(learner) == []


def test_kill_9_of_one_of_two_workers_loses_no_acknowledged_feedback(learner, pool, tmp_path):
    until, acknowledged, failures = threading.Event(), [], []

    def rate_again_and_again(url):
        while not until.is_set():
            try:
                answer = ask(url)
                if rate(url, answer.headers["x-request-id"], 1.0).status_code == 200:
                    acknowledged.append(answer.json()["router_metadata"]["model_used"])
            except httpx.TransportError:
                continue  # its worker was killed
            except Exception as error:  # told to the test, which is in another thread
                failures.append(repr(error))
                return

    with (
        ScriptedServer(lambda body: completion()) as upstream,
        serving(learner, pool, upstream, tmp_path / "log.jsonl", "workers=2") as (process, url),
    ):
        threads = [threading.Thread(target=rate_again_and_again, args=(url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        _wait_for(acknowledged, 15)
        worker = _children_that_answer(process.pid)[0]
        os.kill(worker, signal.SIGKILL)
        _wait_for(acknowledged, len(acknowledged) + 15)  # the other goes on
        until.set()
        for thread in threads:
            thread.join(LIMIT_S)
        kept = grades(learner)
    assert failures == []
    assert len(kept) >= len(acknowledged)
    for model in set(acknowledged):
        assert sum(name == model for name, _ in kept) >= acknowledged.count(model)


def _wait_for(found, count):
    until_s = time.monotonic() + LIMIT_S
    while len(found) < count and time.monotonic() < until_s:
        time.sleep(0.02)
    assert len(found) >= count


def _children_that_answer(parent):
    """The workers of a gateway: its children that are no helper of multiprocessing."""
    children = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                status = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                command = Path(entry.path, "cmdline").read_text()
            except OSError:
                continue
            if int(status[1]) == parent and "spawn_main" in command:
                children.append(int(entry.name))
    assert len(children) == 2
    return children
