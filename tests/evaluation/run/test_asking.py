"""A trained policy is asked many questions: with its own pool, with a server on the loopback, or only whom it asks."""

import json

import pytest
import yaml
from loopback import LoopbackServer

from rl_router import cli
from rl_router.evaluation.run.asking import answer_queries, decide_queries
from rl_router.evaluation.run.harness import job_of, route_query
from rl_router.rl.setting import Setting


@pytest.fixture(scope="module")
def task(finished):
    return Setting.of(job_of(finished, {})).task


@pytest.fixture
def pool(task, tmp_path):
    models = [{"name": n, "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0} for n in task.pool.names]
    (tmp_path / "pool.yaml").write_text(yaml.safe_dump({"models": models}))
    return tmp_path / "pool.yaml"


@pytest.fixture
def questions(task, tmp_path):
    (tmp_path / "questions.txt").write_text("\n".join(query.text for query in task.test[:12]))
    return tmp_path / "questions.txt"


def infer(capsys, *arguments):
    capsys.readouterr()
    assert cli.main(["infer", *map(str, arguments), "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_many_questions_are_answered_as_each_alone_is(finished, task):
    asked = task.test[:4]
    together = answer_queries(finished.path, asked, 0.5)
    for query, episode in zip(asked, together, strict=True):
        alone = route_query(finished.path, query.text, 0.5)
        assert (episode.answer, episode.cost_usd) == (alone.answer, alone.cost_usd)
        assert [call.model for call in episode.calls] == [call.model for call in alone.calls]


def test_deciding_names_the_first_call_of_the_answer_and_costs_nothing(finished, task):
    asked = task.test[:12]
    decided, answered = decide_queries(finished.path, asked, 0.5), answer_queries(finished.path, asked, 0.5)
    assert any(episode.calls for episode in decided)
    for one, other in zip(decided, answered, strict=True):
        assert [(c.model, c.query) for c in one.calls[:1]] == [(c.model, c.query) for c in other.calls[:1]]
        assert one.cost_usd == 0.0


@pytest.mark.timeout(100)
def test_real_models_take_the_place_of_the_policys_pool_and_are_paid(finished, pool, questions, capsys):
    with LoopbackServer(answer=lambda model, prompt: "42") as server:
        found = infer(
            capsys, finished.path, "--input", questions, "--pool", pool, "--endpoint", server.url, "--temp", "0.5",
            "--max-tokens", "9",
        )  # fmt: skip
    asked = [model for record in found for model in record["asked"]]
    assert len(found) == 12 and len(asked) == server.requests > 0
    assert {body["temperature"] for body in server.bodies} == {0.5}
    assert all(usage.completion_tokens <= 9 * server.requests for usage in server.billed.values())
    billed = server.cost_usd(dict.fromkeys(server.billed, (1.0, 1.0, 2.0)))
    assert sum(record["cost_usd"] for record in found) == pytest.approx(billed)


def test_without_a_pool_it_is_the_policys_own_and_route_only_asks_nobody(finished, questions, capsys):
    answered = infer(capsys, finished.path, "--input", questions)
    decided = infer(capsys, finished.path, "--input", questions, "--route-only")
    assert [r["query_id"] for r in answered] == [r["query_id"] for r in decided] == [str(i) for i in range(1, 13)]
    assert [r["asked"][0] if r["asked"] else None for r in answered] == [r["model"] for r in decided]


def test_a_pool_of_strangers_and_settings_without_real_models_are_refused(finished, questions, tmp_path, capsys):
    model = {"name": "nobody", "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 1.0}
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({"models": [model]}))
    other = ["--pool", tmp_path / "other.yaml", "--endpoint", "http://127.0.0.1:9/v1"]
    for arguments, said in (
        (other, "none of the models that this policy was trained with"),
        (["--temp", "0"], "are for real models"),
    ):
        assert cli.main(["infer", str(finished.path), "--input", str(questions), *map(str, arguments)]) == 2
        assert said in capsys.readouterr().err
