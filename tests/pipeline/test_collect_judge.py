"""A language model as judge of what `collect` asked, over real HTTP: its scores, silence, failures and bill."""

import re
from dataclasses import replace

import pytest
from collect_jobs import PRICES, job, rows
from loopback import Faults, LoopbackServer

from rl_router.data.queries import write_queries
from rl_router.errors import DataError
from rl_router.pipeline.collect import collect
from rl_router.types import Query

VERDICTS = {
    "good": "It is right. [[10]]",
    "half": "Half of it. [[5.5]]",
    "bad": "No. [[1]]",
    "odd": "I would say eight.",
}
SCORES = {"good": 1.0, "half": 0.5, "bad": 0.0, "odd": None}
JUDGE = "model-2"


def answers_and_verdicts(model: str, prompt: str) -> str:
    """To `say WORD` every model answers the word and its own name, and the judge gives each word its verdict."""
    if model == JUDGE and "<answer>" in prompt:
        answer = re.search("<answer>\\n(.*)\\n</answer>", prompt).group(1)
        return VERDICTS[answer.split()[0]]
    return f"{prompt.split()[1]} {model}"


@pytest.fixture
def judged(tmp_path):
    path = tmp_path / "queries.parquet"
    words = [Query(query_id=word, text=f"say {word}", answers=(), task="t", grader="judge") for word in VERDICTS]
    write_queries(path, words)

    def made(server, **changes):
        return job(tmp_path, server.url, models=3, queries=path, judge=JUDGE, **changes)

    return made


def test_scores_are_the_judges_and_its_price_is_paid_but_no_part_of_a_row(judged):
    with LoopbackServer(answer=answers_and_verdicts) as server:
        done = collect(judged(server), {})
    table = rows(done.table)
    assert {(row["query_id"], row["score"]) for row in table} == set(SCORES.items())
    silent = [row for row in table if row["query_id"] == "odd"]
    assert all(row["status"] == "ok" and "gave no score" in row["reason"] for row in silent)
    assert server.requests == 24  # 4 questions x 3 models, and a judgement of each
    assert done.paid_usd == pytest.approx(server.cost_usd(PRICES))
    rows_usd = sum(row["cost_usd"] for row in table)
    judge_body = next(body for body in server.bodies if "<answer>" in body["messages"][0]["content"])
    assert rows_usd < done.paid_usd and judge_body["temperature"] == 0


def test_neither_a_resumed_nor_a_regraded_run_nor_a_replay_pays_the_judge_again(judged, tmp_path):
    with LoopbackServer(answer=answers_and_verdicts) as server:
        first = judged(server)
        paid_usd = collect(first, {}).paid_usd
        requests, table = server.requests, first.table.read_bytes()
        assert collect(first, {}).asked == 0
        (tmp_path / "run" / "cells.sqlite").unlink()  # every cell is graded anew
        assert collect(first, {}).asked == 12
        assert first.table.read_bytes() == table
        replay = {"mode": "replay", "cache": tmp_path / "run" / "calls.sqlite"}
        again = judged(server, run_dir=tmp_path / "replay", pool=replay)
        assert collect(again, {}).paid_usd == 0.0 < paid_usd
        assert again.table.read_bytes() == table
    assert server.requests == requests


def test_a_judge_that_fails_leaves_answers_ungraded_until_it_is_asked_again(judged):
    faults = Faults(share=1.0, kinds=("html",), models=(JUDGE,))
    with LoopbackServer(answer=answers_and_verdicts, faults=faults) as server:
        first = judged(server, pool={"models": ("model-0", "model-1", JUDGE)})
        done = collect(first, {})
        ungraded = [row for row in rows(done.table) if row["status"] == "ok"]
        assert done.graded == 0 and len(ungraded) == 8
        assert all(row["score"] is None and row["response"] for row in ungraded)
        assert all("the judge's call failed: model-2: the body is not JSON" in row["reason"] for row in ungraded)
        assert done.unknown_attempts == server.unseen == 4 + 8  # its own answers, and its judgements
        requests = server.requests
        assert collect(first, {}).asked == 0 and server.requests == requests
        server.faults = Faults()
        mended = collect(replace(first, retry_failed=True), {})
        assert {(row["query_id"], row["score"]) for row in rows(mended.table)} == set(SCORES.items())
        # what was answered is not asked again: 4 answers of the judge and 12 judgements were wanting
        assert server.requests == requests + 4 + 12
        assert mended.paid_usd == pytest.approx(server.cost_usd(PRICES))


def test_a_budget_holds_for_the_judge_too_and_a_larger_one_goes_on(judged, tmp_path):
    with LoopbackServer(answer=answers_and_verdicts) as server:
        whole_usd = collect(judged(server, run_dir=tmp_path / "whole"), {}).paid_usd
        part = collect(judged(server, budget_usd=whole_usd * 0.6), {})
        assert 0 < part.paid_usd <= whole_usd * 0.6
        assert part.statuses["over_budget"] > 0
        rest = collect(judged(server, budget_usd=whole_usd * 100), {})
    assert rest.statuses == {"ok": 12} and rest.graded == 9
    assert rest.paid_usd == pytest.approx(whole_usd)


def test_questions_for_a_judge_without_one_are_refused_before_a_call(judged, tmp_path):
    with LoopbackServer() as server:
        with pytest.raises(DataError, match="name one of the pool with judge=NAME"):
            collect(replace(judged(server), judge=None), {})
        assert server.requests == 0
