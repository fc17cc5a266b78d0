"""Multi-round routers by commands: `train` writes their run, `route` and `infer` ask it, `list` says what they need."""

import json

import numpy as np
import pytest

from rl_router import cli
from rl_router.evaluation.online.two_hops import STRONGEST, best_mixture, best_routed, in_one_go, questions, world_table
from rl_router.routers.router import load_router


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where `rl-router train` was run for kNN and for both multi-round routers."""
    folder = tmp_path_factory.mktemp("rounds")
    table = folder / "world.parquet"
    world_table(960).write(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert cli.main(["train", "knn", f"data={table}", "splits.test=null", "router.k=20"]) == 0
        assert cli.main(["train", "knn_multiround"]) == 0
        assert cli.main(["train", "llm_multiround"]) == 0
    return folder


@pytest.fixture
def rounds(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", ["knn_multiround", "llm_multiround"])
def test_two_hop_questions_are_answered_better_than_by_any_one_shot_router_of_that_price(rounds, ask, name):
    queries = questions(48)
    lines = [json.dumps({"query": query.text, "query_id": query.query_id}) for query in queries]
    (rounds / "hops.jsonl").write_text("\n".join(lines))
    records = [
        json.loads(line)
        for line in ask("infer", f"runs/{name}", "--input", "hops.jsonl", "--cost-weight", "1", "--json").split("\n")
        if line
    ]
    right = [record["answer"] in query.answers for record, query in zip(records, queries, strict=True)]
    cost_usd = np.mean([record["cost_usd"] for record in records])
    assert cost_usd < 0.75 * in_one_go(queries)[STRONGEST][1]
    assert np.mean(right) > best_mixture(in_one_go(queries), cost_usd) + 0.1
    assert np.mean(right) > best_routed(load_router(rounds / "runs" / "knn" / "router"), queries, cost_usd) + 0.1
    assert all(record["asked"][0] == "nano" and len(record["asked"]) >= 2 for record in records)


def test_one_question_is_shown_with_every_call_and_the_sum_of_their_prices(rounds, ask):
    question = questions(1)[0].text
    record = json.loads(ask("route", "runs/knn_multiround", question, "--cost-weight", "0.5", "--json"))
    assert record["cost_weight"] == 0.5 and record["quality"] in (0.0, 1.0)
    assert record["cost_usd"] == pytest.approx(sum(call["cost_usd"] for call in record["calls"]))
    shown = ask("route", "runs/llm_multiround", question)
    assert "call 1  nano" in shown and "answer" in shown and "total" in shown


def test_they_are_listed_with_what_they_need(ask):
    rows = {row["name"]: row for row in json.loads(ask("list", "routers", "--json"))}
    assert rows["knn_multiround"]["needs"] == ["decomposer", "chooser"]
    assert rows["llm_multiround"]["needs"] == ["decomposer"]
    assert not rows["llm_multiround"]["trainable"]


def test_a_run_plays_in_a_suite_beside_others(rounds, ask):
    arguments = [
        "routers=[runs/knn_multiround]",
        "cost_weights=[0.5]",
        "tasks=[two_hop]",
        "queries=20",
        "run_dir=suite",
    ]
    found = json.loads(ask("evaluate", "quick", *arguments, "--json"))
    assert "knn_multiround" in json.dumps(found)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "knn_multiround", "chooser=runs/nobody", "run_dir=new"], "the run of a classical router"),
        (["train", "llm_multiround", "decomposer=gpt", "run_dir=new"], "decomposer is 'gpt', and the pool has nano"),
        (["train", "llm_multiround", "most_part=2"], "did you mean most_parts?"),
        (["train", "llm_multiround", "run_dir=runs/knn"], "holds a run of another kind"),
        (["infer", "runs/llm_multiround", "--input", "q.txt", "--route-only"], "leave out --route-only"),
        (["infer", "runs/llm_multiround", "--input", "q.txt", "--temp", "1"], "--temp is for real models"),
        (["evaluate", "runs/llm_multiround"], "judged beside others in a suite"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_written(rounds, refused, arguments, says):
    (rounds / "q.txt").write_text("2 + 2\n")
    assert says in refused(*arguments)
    assert not (rounds / "new").exists()
