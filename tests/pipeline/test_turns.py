"""A second turn is asked after the model's own reply to the first, which is paid for once."""

import pytest
from collect_jobs import PRICES, job, rows
from loopback import Faults, LoopbackServer

from rl_router.data.benchmarks import BENCHMARKS
from rl_router.data.queries import write_queries
from rl_router.pipeline.collect import collect

ROW = {"question_id": 81, "category": "writing", "turns": ["Name a river.", "And where is it?"], "reference": None}


def answer(model: str, prompt: str) -> str:
    replies = {"Name a river.": f"the Rhine, says {model}", "And where is it?": "in Europe"}
    return replies.get(prompt, "It is fine. [[7]]")  # else it is the judge that is asked


def asked(folder, *names):
    queries = [BENCHMARKS.get(name).query(ROW, "test", 0) for name in names]
    write_queries(folder / "turns.parquet", queries)
    return folder / "turns.parquet"


def test_a_second_turn_follows_the_models_own_first_reply(tmp_path):
    queries = asked(tmp_path, "mt_bench", "mt_bench_turn2")
    with LoopbackServer(answer=answer) as server:
        done = collect(job(tmp_path, server.url, models=1, queries=queries, judge="model-0"), {})
        conversations = [body["messages"] for body in server.bodies]
    assert [
        {"role": "user", "content": "Name a river."},
        {"role": "assistant", "content": "the Rhine, says model-0"},
        {"role": "user", "content": "And where is it?"},
    ] in conversations
    first, second = rows(done.table)
    assert (first["response"], second["response"]) == ("the Rhine, says model-0", "in Europe")
    assert first["score"] == second["score"] == pytest.approx(6 / 9)  # [[7]] of 1..10
    assert second["query"] == "Name a river.\n\nAnd where is it?"
    judged = [messages[0]["content"] for messages in conversations if "to be judged" in messages[0]["content"]]
    assert len(judged) == 1 and "Assistant: the Rhine, says model-0\n\nUser: And where is it?" in judged[0]
    # two questions and two judgements: the first turn was not asked again for the second
    assert server.requests == 4 and max(server.answered.values()) == 1
    assert done.paid_usd == pytest.approx(server.cost_usd(PRICES), rel=1e-9)


def test_a_second_turn_alone_pays_for_the_first_and_replays_without_a_call(tmp_path):
    queries = asked(tmp_path, "mt_bench_turn2")
    with LoopbackServer(answer=answer) as server:
        settings = job(tmp_path, server.url, models=1, queries=queries, judge="model-0")
        done = collect(settings, {})
        assert server.requests == 3
        assert done.paid_usd == pytest.approx(server.cost_usd(PRICES), rel=1e-9)
    (row,) = rows(done.table)
    assert row["cost_usd"] < done.paid_usd
    again = job(
        tmp_path, server.url, models=1, queries=queries, judge="model-0", run_dir=tmp_path / "again",
        pool={"mode": "replay", "cache": settings.run_dir / "calls.sqlite"},
    )  # fmt: skip
    replayed = rows(collect(again, {}).table)
    assert [r["response"] for r in replayed] == ["in Europe"] and replayed[0]["score"] == row["score"]


def test_without_a_first_reply_there_is_no_second_turn(tmp_path):
    queries = asked(tmp_path, "mt_bench_turn2")
    faults = Faults(share=1.0, kinds=("refuse",))
    with LoopbackServer(answer=answer, faults=faults) as server:
        done = collect(job(tmp_path, server.url, models=1, queries=queries, judge="model-0"), {})
        assert server.requests == 1
    (row,) = rows(done.table)
    assert (row["status"], row["score"], row["response"]) == ("rejected", None, None)
