"""A gateway as a process: SIGTERM answers what was accepted, SIGHUP reloads, kill -9 damages no line of the log."""

import json
import signal
import subprocess
import sys
import threading
import time

import httpx
import psutil
import pytest
from gateway_process import LIMIT_S, SUM, ask, serving
from scripted import ScriptedServer, completion, events

pytestmark = pytest.mark.timeout(400)


def hammer(url, until, answers, failures):
    """Ask again and again over one kept connection until told to stop."""
    with httpx.Client(timeout=30) as client:
        while not until.is_set():
            try:
                stream = len(answers) % 2 == 0
                body = {"model": "auto", "messages": SUM, "stream": stream}
                answer = client.post(f"{url}/chat/completions", json=body)
                assert answer.status_code == 200 and ("[DONE]" in answer.text or not stream), answer.text
                answers.append(answer.headers["x-request-id"])
            except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError):
                return  # nobody listens any more: if this request was accepted, the log says so
            except Exception as error:  # told to the test, which is in another thread
                failures.append(repr(error))
                return


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_under_load_answers_every_accepted_request(run, pool, tmp_path, workers):
    def reply(body):
        return events(["a"] * 5, pause_s=0.02) if body.get("stream") else completion()

    log, until, answers, failures = tmp_path / "log.jsonl", threading.Event(), [], []
    with (
        ScriptedServer(reply) as upstream,
        serving(run, pool, upstream, log, f"workers={workers}") as (process, url),
    ):
        threads = [threading.Thread(target=hammer, args=(url, until, answers, failures)) for _ in range(8)]
        for thread in threads:
            thread.start()
        while len(answers) < 20:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
        until.set()
        for thread in threads:
            thread.join(LIMIT_S)
    assert failures == []
    assert {json.loads(line)["query_id"] for line in log.read_text().splitlines()} == set(answers)


def test_kill_9_damages_no_line_and_loses_no_answered_request(run, pool, tmp_path):
    log, until, answers, failures = tmp_path / "log.jsonl", threading.Event(), [], []
    with ScriptedServer(lambda body: events(["a"]) if body.get("stream") else completion()) as upstream:
        with serving(run, pool, upstream, log) as (process, url):
            threads = [threading.Thread(target=hammer, args=(url, until, answers, failures)) for _ in range(8)]
            for thread in threads:
                thread.start()
            while len(answers) < 30:
                time.sleep(0.02)
            process.kill()
            process.wait()
            until.set()
            for thread in threads:
                thread.join(LIMIT_S)
        assert log.read_bytes().endswith(b"\n")
        ids = {json.loads(line)["query_id"] for line in log.read_text().splitlines()}
        assert ids >= set(answers)
        with serving(run, pool, upstream, log) as (_, url):  # another goes on with the same file
            assert ask(url).status_code == 200
    assert len(log.read_text().splitlines()) == len(ids) + 1


def test_sighup_reads_routers_anew_and_keeps_the_old_ones_on_an_error(run, pool, tmp_path):
    mine = tmp_path / "pool.yaml"
    mine.write_text(pool.read_text())
    with (
        ScriptedServer(lambda body: completion()) as upstream,
        serving(run, mine, upstream, tmp_path / "log.jsonl") as (process, url),
    ):
        assert ask(url, model="another").status_code == 404
        mine.write_text(mine.read_text() + "- {name: another, input_usd_per_mtok: 1, output_usd_per_mtok: 1}\n")
        process.send_signal(signal.SIGHUP)
        assert "reloaded" in process.stderr.readline()
        assert ask(url, model="another").status_code == 200
        mine.write_text("models: 3")
        process.send_signal(signal.SIGHUP)
        assert "not reloaded" in process.stderr.readline()
        assert ask(url, model="another").status_code == 200


def test_reloads_under_load_drop_no_request(run, pool, tmp_path):
    def reply(body):
        return events(["a"] * 5, pause_s=0.02) if body.get("stream") else completion()

    log, until, answers, failures = tmp_path / "log.jsonl", threading.Event(), [], []
    with ScriptedServer(reply) as upstream, serving(run, pool, upstream, log) as (process, url):
        threads = [threading.Thread(target=hammer, args=(url, until, answers, failures)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for _ in range(4):
            process.send_signal(signal.SIGHUP)
            assert "reloaded" in process.stderr.readline()
        assert all(thread.is_alive() for thread in threads)  # no connection was closed on any of them
        until.set()
        for thread in threads:
            thread.join(LIMIT_S)
    assert failures == []
    assert sorted(json.loads(line)["query_id"] for line in log.read_text().splitlines()) == sorted(answers)


def test_workers_are_one_gateway_to_who_counts_what_they_do(run, pool, tmp_path):
    """Metrics are summed and feedback finds its request, whichever worker is asked; one that is killed is replaced."""
    log = tmp_path / "log.jsonl"

    def counted(base, name):
        lines = httpx.get(f"{base}/metrics", timeout=30).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    with (
        ScriptedServer(lambda body: completion()) as upstream,
        serving(run, pool, upstream, log, "workers=2") as (process, url),
    ):
        base = url.removesuffix("/v1")
        ids = [ask(url).headers["x-request-id"] for _ in range(12)]
        for request_id in ids:
            rated = httpx.post(f"{url}/feedback", json={"request_id": request_id, "rating": "up"}, timeout=30)
            assert rated.status_code == 200
        assert [counted(base, "rl_router_requests_total") for _ in range(6)] == [12] * 6
        assert [counted(base, "rl_router_feedback_total") for _ in range(6)] == [12] * 6
        first, *_ = psutil.Process(process.pid).children()[-2:]
        first.kill()
        assert "is replaced" in process.stderr.readline()
        assert ask(url).status_code == 200
        assert counted(base, "rl_router_requests_total") == 13
        assert counted(base, "rl_router_running") == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    rated = [line["query_id"] for line in lines if line["kind"] == "feedback"]
    assert sorted(rated) == sorted(ids)


def test_a_port_that_is_taken_is_said_in_one_sentence(run, pool, tmp_path):
    with (
        ScriptedServer(lambda body: completion()) as upstream,
        serving(run, pool, upstream, tmp_path / "log.jsonl") as (_, url),
    ):
        port = url.rpartition(":")[2].removesuffix("/v1")
        command = [sys.executable, "-m", "rl_router.cli", "serve", str(run), f"pool={pool}", f"port={port}",
                   f"endpoint={upstream.url}"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "name another port" in done.stderr


def test_a_reload_while_workers_start_ends_none_of_them(run, pool, tmp_path):
    with (
        ScriptedServer(lambda body: completion()) as upstream,
        serving(run, pool, upstream, tmp_path / "log.jsonl", "workers=2") as (process, url),
    ):
        for _ in range(20):  # one that has started says so, the others start on
            process.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        assert ask(url).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
        assert "is replaced" not in process.stderr.read()
