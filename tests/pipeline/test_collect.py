"""`collect` against a server that speaks real HTTP and fails on 30 % of the questions, and against `kill -9`."""

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from collect_jobs import PRICES, job, rows
from loopback import LASTING, Faults, LoopbackServer, fraction

from rl_router import cli
from rl_router.data.graders import GRADERS
from rl_router.data.queries import write_queries
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError, NotRecordedError, PoolError
from rl_router.pipeline.collect import CollectJob, collect
from rl_router.types import Query

NQ500 = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "llmrouter_example" / "nq500_long.parquet"
STATUSES = {"hang": "timeout", "html": "unreadable", "cut_json": "unreadable", "refuse": "rejected",
            "thinks_on": "truncated"}  # fmt: skip
MEASURED = ["latency_s", "attempts", "retry_cost_usd", "usage_known"]  # of this run's calls; the rest is the answer
KEY = "sk-planted-9f8e7d6c5b4a3210"


def sums(model: str, prompt: str) -> str:
    """Right for half of the questions."""
    number = int(prompt.split()[2])
    return str(2 * number) if fraction(0, model, prompt) < 0.5 else "no idea"


def test_every_answer_is_graded_priced_and_in_the_order_of_the_questions(tmp_path):
    with LoopbackServer(answer=sums) as server:
        done = collect(job(tmp_path, server.url, count=2), {})
    table = rows(done.table)
    assert [(row["query_id"], row["model"]) for row in table] == [
        ("q0", "model-0"), ("q0", "model-1"), ("q1", "model-0"), ("q1", "model-1"),
    ]  # fmt: skip
    for row in table:
        prompt = row["query"]
        fresh, cached, out = PRICES[row["model"]]
        # "what is 0 and 0" has 5 words: 7 + 5 tokens, a third of them cached
        assert (row["prompt_tokens"], row["cached_tokens"], row["status"]) == (12, 4, "ok")
        assert row["score"] == (1.0 if sums(row["model"], prompt) != "no idea" else 0.0)
        assert row["cost_usd"] == pytest.approx((8 * fresh + 4 * cached + row["completion_tokens"] * out) / 1e6)
    assert (done.cells, done.graded, done.asked) == (4, 4, 4)
    assert done.paid_usd == pytest.approx(sum(row["cost_usd"] for row in table))


@pytest.mark.skipif(not NQ500.is_file(), reason="the 500 recorded questions are not beside the checkout")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("stream", [False, True])
def test_500_questions_and_6_models_on_a_server_that_fails_on_30_percent(tmp_path, stream):
    answers = {row["query"]: row["ground_truth"] for row in pl.read_parquet(NQ500).iter_rows(named=True)}
    faults = Faults(share=0.3, seed=5)
    with LoopbackServer(answer=lambda model, prompt: f"{answers[prompt]}", faults=faults) as server:
        asked = job(tmp_path, server.url, models=6, queries=NQ500, pool={"stream": stream, "attempts": 8})
        done = collect(asked, {"API_KEYS": KEY})
        table = RoutingTable.read(done.table).frame
        assert done.cells == len(table) == 3000
        assert done.graded == len(table.filter(pl.col("status") == "ok")) > 2000
        assert table.filter(pl.col("score").is_null() & pl.col("reason").is_null()).is_empty()
        assert table.filter(pl.col("score").is_not_null() & (pl.col("status") != "ok")).is_empty()
        for row in table.iter_rows(named=True):
            kind = fault_of(faults, row["model"], row["query"])
            if stream and kind == "cut_json":
                continue  # a stream that ends early is a broken connection, and no retry mends this one
            assert row["status"] == STATUSES.get(kind, "ok"), row
        assert max(server.answered.values()) == 1  # no cell is paid twice
        assert round(done.paid_usd, 2) == round(server.cost_usd(PRICES), 2)
        assert done.paid_usd == pytest.approx(server.cost_usd(PRICES), rel=1e-9)
        # What was made and nobody saw the count of is known to be unknown. That a connection was closed before anything
        # was made cannot be told from here.
        assert done.unknown_attempts == server.unseen + server.gone > 0
        requests = server.requests
        again = collect(asked, {"API_KEYS": KEY})
        assert (again.asked, again.graded, server.requests) == (0, done.graded, requests)
    replayed = job(
        tmp_path, server.url, models=6, queries=NQ500, run_dir=tmp_path / "replay",
        pool={"mode": "replay", "cache": tmp_path / "run" / "calls.sqlite", "stream": stream},
    )  # fmt: skip
    assert collect(replayed, {}).paid_usd == 0.0
    assert server.requests == requests
    assert replayed.table.read_bytes() == asked.table.read_bytes()
    assert_nowhere(KEY, tmp_path)


def fault_of(faults: Faults, model: str, prompt: str) -> str:
    if fraction(faults.seed, "fault", model, prompt) >= faults.share:
        return ""
    kind = faults.kinds[int(fraction(faults.seed, "kind", model, prompt) * len(faults.kinds))]
    return kind if kind in LASTING else ""


def assert_nowhere(key: str, folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files and [path for path in files if key.encode() in path.read_bytes()] == []


@pytest.mark.timeout(400)
def test_a_run_killed_five_times_ends_with_the_table_of_an_undisturbed_one(tmp_path):
    (tmp_path / "killed").mkdir()
    (tmp_path / "undisturbed").mkdir()
    faults = Faults(
        share=0.3, seed=2, kinds=("limit", "busy", "gone", "cut_after_usage", "html", "refuse", "thinks_on")
    )
    chance = random.Random(1)
    with LoopbackServer(answer=sums, faults=faults) as server:
        whole = collect(job(tmp_path / "undisturbed", server.url, count=300), {})
    with LoopbackServer(answer=sums, faults=faults, latency_s=0.02) as server:
        settings = job(tmp_path / "killed", server.url, count=300, pool={"concurrency": 8})
        kills = 0
        while kills < 5:
            process = start(settings, server.url)
            kill_at = server.requests + chance.randint(15, 70)
            while process.poll() is None and server.requests < kill_at:
                time.sleep(0.002)
            assert process.poll() is None, process.communicate()
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=30)
            kills += 1
            assert not settings.table.exists()
        process = start(settings, server.url)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        summary = json.loads(out)
    same = [name for name in RoutingTable.read(whole.table).frame.columns if name not in MEASURED]
    killed = RoutingTable.read(settings.table).frame
    assert killed.select(same).equals(RoutingTable.read(whole.table).frame.select(same))
    # Only a call that was on its way when the process died can have been asked for again, 8 at most for each kill, and
    # what had come in the moment before it. It is named on its row and counted, and every request that the server saw
    # is a charge of this run.
    twice = {asked: times - 1 for asked, times in server.answered.items() if times > 1}
    assert sum(twice.values()) <= summary["interrupted_attempts"] <= 5 * 16
    unsure = set(killed.filter(~pl.col("usage_known")).select("model", "query").rows())
    assert twice.keys() <= unsure
    with sqlite3.connect(settings.pool.cache or settings.run_dir / "calls.sqlite") as calls:
        [(charges,)] = calls.execute("SELECT COUNT(*) FROM charges")
    assert server.requests <= charges <= server.requests + 5 * 16
    assert summary["paid_usd"] <= server.cost_usd(PRICES) + 1e-9
    if not twice:
        assert summary["paid_usd"] == pytest.approx(server.cost_usd(PRICES))
    assert_nowhere(KEY, tmp_path)
    assert KEY not in out + err


def start(settings: CollectJob, url: str) -> subprocess.Popen:
    pool = settings.pool
    changes = [
        f"queries={settings.queries}", f"run_dir={settings.run_dir}", f"pool.file={pool.file}", f"pool.endpoint={url}",
        f"pool.concurrency={pool.concurrency}", f"pool.backoff_s={pool.backoff_s}", "max_tokens=100",
        "temperature=0", "pool.call_timeout_s=2",
    ]  # fmt: skip
    command = [sys.executable, "-m", "rl_router.cli", "data", "collect", "router_r1", *changes, "--json"]
    environment = os.environ | {"API_KEYS": KEY}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_key_that_a_careless_server_echoes_is_nowhere_in_what_the_run_writes(tmp_path, capfd):
    faults = Faults(share=0.5, kinds=("limit", "refuse"))
    with LoopbackServer(answer=sums, faults=faults, echo_key=True) as server:
        collect(job(tmp_path, server.url), {"API_KEYS": json.dumps({"127.0.0.1": [KEY]})})
    assert server.keys[KEY] == server.requests
    assert_nowhere(KEY, tmp_path)
    shown = capfd.readouterr()
    assert KEY not in shown.out + shown.err and shown.err != ""


def test_a_budget_stops_the_run_and_a_larger_one_goes_on(tmp_path):
    with LoopbackServer(answer=sums) as server:
        whole_usd = collect(job(tmp_path, server.url, run_dir=tmp_path / "whole"), {}).paid_usd
        limit_usd = whole_usd / 2
        part = collect(job(tmp_path, server.url, budget_usd=limit_usd), {})
        assert 0 < part.paid_usd <= limit_usd
        assert part.statuses["over_budget"] + part.statuses["ok"] == 40
        stopped = [row for row in rows(part.table) if row["status"] == "over_budget"]
        assert all(row["score"] is None and "budget" in row["reason"] for row in stopped)
        rest = collect(job(tmp_path, server.url, budget_usd=2 * whole_usd), {})
    assert rest.statuses == {"ok": 40}
    assert rest.asked == part.statuses["over_budget"]
    assert rest.paid_usd == pytest.approx(whole_usd)


def test_failed_cells_are_finished_until_asked_again(tmp_path):
    faults = Faults(share=1.0, kinds=("html",))
    with LoopbackServer(answer=sums, faults=faults) as server:
        first = collect(job(tmp_path, server.url), {})
        assert first.statuses == {"unreadable": 40}
        assert all(row["score"] is None and row["cost_usd"] is None for row in rows(first.table))
        assert collect(job(tmp_path, server.url), {}).asked == 0
        server.faults = Faults()
        assert collect(job(tmp_path, server.url, retry_failed=True), {}).statuses == {"ok": 40}


def test_another_temperature_is_another_cell(tmp_path):
    with LoopbackServer(answer=sums) as server:
        collect(job(tmp_path, server.url), {})
        assert collect(job(tmp_path, server.url, temperature=0.7), {}).asked == 40


def test_two_runs_share_what_was_answered_when_they_name_one_cache(tmp_path):
    shared = {"cache": tmp_path / "calls.sqlite"}
    with LoopbackServer(answer=sums) as server:
        first = collect(job(tmp_path, server.url, run_dir=tmp_path / "a", pool=shared), {})
        second = collect(job(tmp_path, server.url, run_dir=tmp_path / "b", pool=shared), {})
        live = collect(job(tmp_path, server.url, run_dir=tmp_path / "c", pool=shared | {"mode": "live"}), {})
    assert second.paid_usd == 0.0 and second.graded == first.graded
    assert first.table.read_bytes() == second.table.read_bytes()
    assert live.paid_usd == pytest.approx(first.paid_usd)


def test_a_question_without_an_answer_is_not_graded_and_says_so(tmp_path):
    path = tmp_path / "open.parquet"
    write_queries(path, [Query(query_id="a", text="what is 1 and 1", answers=(), task="t", grader="exact_match")])
    with LoopbackServer(answer=sums) as server:
        done = collect(job(tmp_path, server.url, queries=path), {})
    assert done.graded == 0
    assert all("could not say" in row["reason"] and row["response"] for row in rows(done.table))


def test_replay_of_what_nobody_recorded_is_an_error(tmp_path):
    with LoopbackServer(answer=sums) as server:
        collect(job(tmp_path, server.url, limit=5), {})
        replay = {"mode": "replay", "cache": tmp_path / "run" / "calls.sqlite"}
        with pytest.raises(NotRecordedError, match="to 'q5'"):
            collect(job(tmp_path, server.url, run_dir=tmp_path / "replay", pool=replay), {})


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"pool": {"endpoint": None}}, PoolError, "'model-0' has no endpoint"),
        ({"pool": {"endpoint": "https://llm.example/v1"}}, PoolError, "no API key for 'model-0'"),
        ({"pool": {"mode": "replay"}}, PoolError, "no recorded calls"),
        ({"queries": Path("missing.parquet")}, DataError, "missing.parquet"),
        ({"split": "tset"}, DataError, "no question in the split 'tset'"),
        ({"judge": "nobody"}, PoolError, "The judge 'nobody' is no model of the pool"),
    ],
)
def test_what_cannot_work_is_refused_before_a_call(tmp_path, changes, error, says):
    with pytest.raises(error, match=says):
        collect(job(tmp_path, "http://127.0.0.1:9/v1", **changes), {})
    assert not (tmp_path / "run").exists()


def test_a_grader_that_fails_stops_the_run_and_what_was_answered_is_not_asked_again(tmp_path, monkeypatch):
    def broken(response, query):
        raise ZeroDivisionError("oops")

    exact_match = GRADERS.get("exact_match")
    with LoopbackServer(answer=sums) as server:
        settings = job(tmp_path, server.url, count=2, models=1)
        with monkeypatch.context() as patch:
            patch.setitem(GRADERS._values, "exact_match", replace(exact_match, grade=broken))
            with pytest.raises(DataError, match=r"'exact_match' failed on 'q\d' \(ZeroDivisionError: oops\)"):
                collect(settings, {})
        asked = server.requests
        assert collect(settings, {}).statuses == {"ok": 2}
        assert server.requests == 2 >= asked


@pytest.mark.timeout(120)
def test_a_run_in_which_nobody_answered_ends_with_the_reason_and_a_code_and_goes_on_when_told(tmp_path, capsys):
    write_queries(tmp_path / "queries.parquet", [Query(query_id="q", text="1 + 1?", answers=("2",), task="t")])
    pool = tmp_path / "pool.yaml"
    pool.write_text("models: [{name: a, input_usd_per_mtok: 1, output_usd_per_mtok: 2}]")
    command = ["data", "collect", "router_r1", f"queries={tmp_path}/queries.parquet", f"run_dir={tmp_path}/run",
               f"pool.file={pool}", "pool.attempts=1"]  # fmt: skip
    with socket.socket() as nobody:  # bound, and never listening
        nobody.bind(("127.0.0.1", 0))
        assert cli.main([*command, f"pool.endpoint=http://127.0.0.1:{nobody.getsockname()[1]}/v1"]) == 2
    assert "No model answered any question: a: the connection failed" in capsys.readouterr().err
    assert rows(tmp_path / "run" / "table.parquet")[0]["status"] == "failed"
    with LoopbackServer(answer=lambda model, prompt: "2") as server:
        assert cli.main([*command, f"pool.endpoint={server.url}", "retry_failed=true"]) in (0, None)
    assert rows(tmp_path / "run" / "table.parquet")[0]["score"] == 1.0
