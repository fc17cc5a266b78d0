"""A live suite against a server that speaks real HTTP: graded, priced, killed at random, and no call paid for twice."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from loopback import Faults, LoopbackServer, fraction

from rl_router.data.queries import read_queries, write_queries
from rl_router.errors import RecipeError
from rl_router.evaluation.report.write import write_reports
from rl_router.evaluation.suite.evaluate import evaluate_suite
from rl_router.evaluation.suite.folder import SuiteFolder
from rl_router.evaluation.suite.live import left_usd
from rl_router.evaluation.suite.suite import Live, Suite
from rl_router.types import Query

PRICES = {"mini": (0.1, 0.025, 0.4), "maxi": (1.0, 0.25, 4.0)}  # fresh, cached, output
PER_SPLIT = 60


def sums(model, prompt):
    """maxi is right on nine of ten, mini on half."""
    number = int(prompt.split()[2])
    return str(2 * number) if fraction(0, model, prompt) < (0.9 if model == "maxi" else 0.5) else "no idea"


@pytest.fixture
def suite_at(tmp_path):
    pool = tmp_path / "pool.yaml"
    entries = [
        {"name": name, "input_usd_per_mtok": fresh, "cached_input_usd_per_mtok": cached, "output_usd_per_mtok": out}
        for name, (fresh, cached, out) in PRICES.items()
    ]
    pool.write_text(json.dumps({"models": entries}))
    questions = tmp_path / "questions.parquet"
    write_queries(
        questions,
        [
            Query(query_id=f"{split}/{i}", text=f"what is {i} and {i}", answers=(str(2 * i),), task="sum",
                  dataset="sums", split=split, grader="exact_match")
            for split, start in (("train", 0), ("test", 1000)) for i in range(start, start + PER_SPLIT)
        ],
    )  # fmt: skip

    def make(url, run="run", **changes):
        values = {
            "name": "live", "run_dir": tmp_path / run, "questions": questions, "pool": str(pool),
            "live": Live(endpoint=url, concurrency=4), "max_tokens": 100, "cost_weights": (0.0, 0.5),
        }  # fmt: skip
        return Suite(**(values | changes))

    return make


def without_clocks(folder):
    """The lines but for how long a call took, which another run takes anew."""
    lines = [json.loads(line) for line in folder.lines.read_text().splitlines()]
    return sorted(json.dumps({k: v for k, v in line.items() if k != "latency_s"}) for line in lines)


def test_answers_are_graded_priced_and_asked_for_once(suite_at):
    with LoopbackServer(answer=sums) as server:
        folder = evaluate_suite(suite_at(server.url))
        asked = server.requests
        summary = write_reports(folder)
        evaluate_suite(suite_at(server.url))
        assert (asked, server.requests) == (2 * 2 * PER_SPLIT, asked)
    models = {p.router: p for p in summary.points if p.router.startswith("model:") and p.cost_weight == 0}
    right = sum(sums("maxi", f"what is {i} and {i}") == str(2 * i) for i in range(1000, 1000 + PER_SPLIT))
    assert models["model:maxi"].quality == pytest.approx(right / PER_SPLIT)
    paid = sum(p.cost_usd for p in models.values()) * PER_SPLIT
    assert 0 < paid < server.cost_usd(PRICES)  # the other half of the bill is the fit side's
    assert models["model:maxi"].latency_s > 0 and models["model:maxi"].truncated is not None


def test_a_call_that_failed_is_a_wrong_answer_and_counted(suite_at):
    faults = Faults(share=0.4, kinds=("refuse",), seed=3)
    with LoopbackServer(answer=lambda model, prompt: str(2 * int(prompt.split()[2])), faults=faults) as server:
        summary = write_reports(evaluate_suite(suite_at(server.url)))
    point = next(p for p in summary.points if p.router == "model:mini")
    assert 0.2 < point.failed_calls < 0.6
    assert point.quality == pytest.approx(1 - point.failed_calls)
    assert point.ungraded == 0


def test_an_endpoint_is_a_router_whose_replies_are_graded_and_priced(suite_at):
    with LoopbackServer(answer=sums) as server:
        entry = {"router": f"url:{server.url}", "model": "maxi", "name": "gateway",
                 "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 4.0}  # fmt: skip
        summary = write_reports(evaluate_suite(suite_at(server.url, routers=(entry,))))
        before = server.requests
        evaluate_suite(suite_at(server.url, routers=(entry,)))
        assert server.requests == before
        with pytest.raises(RecipeError, match="needs a model to name and its prices"):
            evaluate_suite(suite_at(server.url, routers=(f"url:{server.url}",)))
    gateway, maxi = (next(p for p in summary.points if p.router == name) for name in ("gateway", "model:maxi"))
    assert gateway.quality == maxi.quality and gateway.block == "orchestrate"
    assert gateway.cost_usd > maxi.cost_usd > 0  # its cached tokens have no lower price


def gateway(server, name="gateway"):
    return {"router": f"url:{server.url}", "model": "maxi", "name": name,
            "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 4.0}  # fmt: skip


def test_a_judge_of_the_pool_that_answers_nothing_itself_grades_models_and_endpoints_alike(suite_at, tmp_path):
    def says(model, prompt):
        if "<answer>" in prompt:  # a judge that likes what has a 7 in it
            return "[[10]]" if "7" in prompt.split("<answer>")[1] else "[[1]]"
        return sums("maxi", prompt) if model == "maxi" else sums("mini", prompt)

    questions = read_queries(suite_at("http://none").questions)
    write_queries(tmp_path / "judged.parquet", [replace(query, grader="judge") for query in questions])
    with LoopbackServer(answer=says) as server:
        live = Live(endpoint=server.url, concurrency=4, judge="mini")
        suite = suite_at(
            server.url, questions=tmp_path / "judged.parquet", models=("maxi",), live=live, routers=(gateway(server),)
        )
        summary = write_reports(evaluate_suite(suite))
        judgements = [body for body in server.bodies if "<answer>" in body["messages"][0]["content"]]
        assert {body["model"] for body in judgements} == {"mini"}
        assert {body["model"] for body in server.bodies if body not in judgements} == {"maxi"}
        with pytest.raises(RecipeError, match="'gpt' is no model of the pool"):
            evaluate_suite(replace(suite, run_dir=tmp_path / "other", live=replace(live, judge="gpt")))
        with pytest.raises(RecipeError, match="named like the judge 'mini'"):
            evaluate_suite(replace(suite, run_dir=tmp_path / "other", routers=(gateway(server, "mini"),)))
    judged, maxi = (next(p for p in summary.points if p.router == name) for name in ("gateway", "model:maxi"))
    tests = range(1000, 1000 + PER_SPLIT)
    liked = sum("7" in sums("maxi", f"what is {i} and {i}") for i in tests) / PER_SPLIT
    assert judged.quality == maxi.quality == pytest.approx(liked)
    assert not (tmp_path / "other").exists()


def test_one_budget_holds_for_the_pool_and_every_endpoint_and_a_larger_one_goes_on(suite_at):
    with LoopbackServer(answer=sums) as server:
        evaluate_suite(suite_at(server.url, "pool"))
        pool_usd = server.cost_usd(PRICES)
    with LoopbackServer(answer=sums) as server:
        two = (gateway(server, "one"), gateway(server, "two"))
        few = suite_at(server.url, routers=two, budget_usd=pool_usd + 0.03)
        summary = write_reports(evaluate_suite(few))
        left = left_usd(few, few.run_dir / "nobody")
        answered = {p.router: p.n for p in summary.points if p.router in ("one", "two")}
        asked = server.requests
        whole = write_reports(evaluate_suite(suite_at(server.url, routers=two, budget_usd=1.0)))
        assert server.requests - asked == PER_SPLIT - answered["two"]
    assert 0 <= left < 0.001  # the most that a call can cost is less than that
    assert answered["one"] == PER_SPLIT and 0 < answered["two"] < PER_SPLIT
    assert f"two has not answered {PER_SPLIT - answered['two']} of the queries yet." in summary.remarks
    assert {p.n for p in whole.points} == {PER_SPLIT}


@pytest.mark.timeout(580)
def test_killed_at_random_a_live_evaluation_pays_for_no_call_twice_and_ends_with_the_same_table(suite_at, tmp_path):
    with LoopbackServer(answer=sums) as server:
        whole = evaluate_suite(suite_at(server.url, "whole", routers=("svm",)))
    chance = random.Random(4)
    suite = suite_at("http://set-below", "killed", routers=("svm",))
    with LoopbackServer(answer=sums, latency_s=0.02) as server:
        recipe = tmp_path / "live.yaml"
        recipe.write_text(
            f"name: live\nrun_dir: {suite.run_dir}\nquestions: {suite.questions}\npool: {suite.pool}\nmax_tokens: 100\n"
            f"cost_weights: [0, 0.5]\nrouters: [svm]\nlive: {{endpoint: '{server.url}', concurrency: 4}}\n"
        )
        said = ""
        for _ in range(3):
            process = start(recipe)
            kill_at = server.requests + chance.randint(10, 60)
            while process.poll() is None and server.requests < kill_at:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            said += process.communicate(timeout=60)[1]
        said += start(recipe).communicate(timeout=240)[1]
        assert (suite.run_dir / "results.json").is_file(), said
        # what was recorded is never asked again; 4 calls that were on their way when a process died, and what came
        # in the 10 ms before, may have to be, and the next process says of each that it may be billed
        twice = sum(times - 1 for times in server.answered.values())
        named = sum(
            map(int, re.findall(r"(\d+) calls were on their way when an earlier process of this run ended", said))
        )
        assert len(server.answered) == 2 * 2 * PER_SPLIT and twice <= named <= 3 * (4 + 4)
    killed = SuiteFolder.open(suite.run_dir)
    assert without_clocks(killed) == without_clocks(whole)
    cut = killed.lines.read_bytes()
    killed.lines.write_bytes(cut[: len(cut) // 2])
    assert start(recipe).wait(timeout=120) == 0  # the server is gone: everything that was paid for is on disk
    assert without_clocks(killed) == without_clocks(whole)


def start(recipe):
    command = [sys.executable, "-m", "rl_router.cli", "evaluate", str(recipe)]
    return subprocess.Popen(
        command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
