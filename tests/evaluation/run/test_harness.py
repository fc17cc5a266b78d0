"""Evaluating a whole run folder: two tiny policies that barely know the grammar, and numbers worked out by hand."""

import io
import json
import shutil
from dataclasses import replace

import polars as pl
import pytest
import torch
from rich.console import Console

from rl_router.episode.replay_task import ReplayTask
from rl_router.episode.rewards import Dial, RouterR1
from rl_router.errors import CheckpointError, NotRecordedError, RecipeError
from rl_router.evaluation.run import harness
from rl_router.evaluation.run.choices import choice_of_episode, choice_of_outcome, choice_rows
from rl_router.evaluation.run.harness import evaluate_run, priced, route_query
from rl_router.evaluation.run.questions import asked_query, held_out
from rl_router.evaluation.run.results import Outcome, Row, print_table
from rl_router.observe.run_folder import RunFolder
from rl_router.policy.config import TinyPolicy, WarmStart
from rl_router.policy.prepare import make_policy
from rl_router.rl.job import Evaluation, TrainJob, job_to_dict
from rl_router.rl.setting import Setting
from rl_router.types import Call, CallStatus, Episode, Mode, ModelReply, Query, StopReason

torch.set_num_threads(1)

WEIGHTS = (0.0, 0.5, 2.0)
BASELINES = {"cheapest", "strongest", "random", "best_single", "best_table_blind", "best_table", "oracle"}
WRITTEN = ("choices.json", "held_out.jsonl", "results.json")


@pytest.fixture(scope="module")
def evaluated(finished, tmp_path_factory):
    folder = RunFolder(tmp_path_factory.mktemp("evaluated") / "run")
    shutil.copytree(finished.path, folder.path)
    evaluate_run(folder.path, {})
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return RunFolder(shutil.copytree(finished.path, tmp_path / "run"))


@pytest.fixture(scope="module")
def setting(finished):
    return Setting.of(harness.job_of(finished, {}))


def rows_of(folder, router):
    return [row for row in folder.read_rows(folder.results) if row["router"] == router]


def episode(models=("nano",), *, query="what?", asked="what?", quality=1.0, cost_usd=0.0, format_ok=True):
    calls = tuple(
        Call(model=m, query=asked, reply=ModelReply(model=m, text="x", status=CallStatus.OK), cost_usd=0.0)
        for m in models
    )
    return Episode(
        query=Query(query_id="q", text=query, answers=("x",), task="fact"), cost_weight=0.0, mode=Mode.ORCHESTRATE,
        segments=(), calls=calls, stop=StopReason.ANSWERED, answer="x", quality=quality, format_ok=format_ok,
        cost_usd=cost_usd,
    )  # fmt: skip


# --- a whole run ---


def test_there_is_a_row_for_every_router_and_cost_weight_over_the_same_questions(evaluated):
    rows = evaluated.read_rows(evaluated.results)
    pairs = [(row["router"], row["cost_weight"]) for row in rows]
    routers = {"policy", "warm_start", "policy_blind"} | BASELINES
    assert sorted(pairs) == sorted((router, weight) for router in routers for weight in WEIGHTS)
    assert {row["n"] for row in rows} == {40}


def test_equal_policies_have_equal_rows(evaluated):
    same = [[{**row, "router": ""} for row in rows_of(evaluated, name)] for name in ("policy", "warm_start")]
    assert same[0] == same[1]


def test_the_blind_policy_does_the_same_at_each_cost_weight_and_only_its_reward_falls(evaluated):
    rows = sorted(rows_of(evaluated, "policy_blind"), key=lambda row: row["cost_weight"])
    assert len({(row["quality"], row["cost_usd"], row["calls"], row["format_rate"]) for row in rows}) == 1
    rewards = [row["reward"] for row in rows]
    assert rewards == sorted(rewards, reverse=True)
    if rows[0]["quality"] > 0 and rows[0]["cost_usd"] > 0:
        assert rewards[0] > rewards[-1]


def test_shares_of_first_choices_add_up_for_each_kind_of_query(evaluated):
    rows = evaluated.read_rows(evaluated.choices)
    sums = {}
    for row in rows:
        key = (row["router"], row["cost_weight"], row["task"])
        sums[key] = sums.get(key, 0.0) + row["share"]
    assert all(total == pytest.approx(1.0) for total in sums.values())
    assert {router for router, _, _ in sums} == {
        "policy", "warm_start", "policy_blind", "best_table_blind", "best_table", "oracle"
    }  # fmt: skip
    assert {task for _, _, task in sums} >= {"arithmetic2", "fact1", "two_hop1"}


def test_the_episodes_to_read_are_held_out_ones_of_the_policy_at_every_cost_weight(evaluated):
    records = evaluated.read_held_out()
    assert {record["cost_weight"] for record in records} == set(WEIGHTS)
    assert all(record["query_id"].startswith("world0-test") for record in records)
    for best, worst in zip(records, records[1:], strict=False):
        if (best["rank"], worst["rank"]) == ("best", "worst"):
            assert best["group"] == worst["group"] and best["total_reward"] >= worst["total_reward"]


def test_it_says_what_was_found_and_only_that(run, capsys):
    evaluate_run(run.path, {"evaluation": {"queries": 10}, "cost_weights": [0.5]})
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "best fixed router" in shown.err and "Share of the best table's reward" in shown.err
    assert "Loading weights" not in shown.err
    assert "is cut to" not in shown.err


def test_it_says_how_many_questions_no_policy_sees_the_end_of(run, capsys):
    evaluate_run(run.path, {"evaluation": {"queries": 10}, "cost_weights": [0.5], "limits": {"max_prompt_tokens": 4}})
    cut = "300 of 300 training questions, 5 of 5 validation questions and 10 of 10 test questions"
    assert f"The prompt is cut to 4 tokens for {cut}: the policy" in capsys.readouterr().err


def test_overrides_hold_for_this_evaluation_and_leave_the_config_alone(run):
    before = run.config.read_bytes()
    evaluate_run(run.path, {"evaluation": {"queries": 10}, "cost_weights": [0.5]})
    rows = run.read_rows(run.results)
    assert {(row["n"], row["cost_weight"]) for row in rows} == {(10, 0.5)}
    assert run.config.read_bytes() == before


def test_the_rows_do_not_depend_on_the_batch(run, evaluated):
    evaluate_run(run.path, {"evaluation": {"batch": 3}})
    assert run.results.read_bytes() == evaluated.results.read_bytes()


# --- runs that cannot be evaluated ---


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda run: shutil.rmtree(run.policy), "train the run first"),
        (lambda run: shutil.rmtree(run.warm_start), "train the run first"),
        (lambda run: cut(run.policy / "model.safetensors"), "cut off"),
        (lambda run: cut(run.path / "blind" / "policy" / "model.safetensors"), "cut off"),
        (lambda run: (run.policy / "tokenizer.json").unlink(), "tokenizer.json"),
        (lambda run: cut(run.config), "config.json"),
        (lambda run: run.config.write_text("[]"), "does not hold the config of a run"),
        (lambda run: run.config.write_text("{}"), "does not hold the config of a run"),
    ],
)
def test_a_broken_run_is_refused_in_a_sentence_and_nothing_is_written(run, damage, says):
    damage(run)
    with pytest.raises(CheckpointError, match=says):
        evaluate_run(run.path, {})
    assert not any((run.path / name).exists() for name in WRITTEN)


def test_a_policy_that_was_told_the_cost_weight_is_no_blind_control(run):
    shutil.rmtree(run.path / "blind" / "policy")
    shutil.copytree(run.policy, run.path / "blind" / "policy")
    with pytest.raises(CheckpointError, match="no blind control"):
        evaluate_run(run.path, {})


def test_a_run_without_its_blind_control_is_evaluated_without_that_row(run, capsys):
    shutil.rmtree(run.path / "blind")
    evaluate_run(run.path, {"evaluation": {"queries": 5}, "cost_weights": [0.5]})
    assert {row["router"] for row in run.read_rows(run.results)} == {"policy", "warm_start"} | BASELINES
    assert "no policy_blind" in capsys.readouterr().err


def test_a_policy_for_another_task_or_mode_is_refused(run):
    with pytest.raises(CheckpointError, match="in decide mode"):
        evaluate_run(run.path, {"task": {"mode": "decide"}})


def test_a_cost_weight_that_the_policy_does_not_know_is_refused(run):
    with pytest.raises(CheckpointError, match=r"0, 0\.5, 2, not 0\.75"):
        evaluate_run(run.path, {"cost_weights": [0.75]})


def test_no_questions_are_refused(setting):
    none = replace(setting, job=replace(setting.job, evaluation=Evaluation(queries=0)))
    with pytest.raises(RecipeError, match="at least 1, got 0"):
        held_out(none)


def test_a_failure_in_the_middle_leaves_the_last_results_as_they_were(run, monkeypatch):
    evaluate_run(run.path, {"evaluation": {"queries": 5}, "cost_weights": [0.5]})
    before = {name: (run.path / name).read_bytes() for name in WRITTEN}

    def fail(*args):
        raise RuntimeError("killed")

    monkeypatch.setattr(harness, "Baselines", fail)
    with pytest.raises(RuntimeError, match="killed"):
        evaluate_run(run.path, {})
    assert {name: (run.path / name).read_bytes() for name in WRITTEN} == before


# --- prices and choices by hand ---


def test_an_episode_is_priced_at_the_cost_weight_that_is_asked_for(setting):
    half_a_reference = setting.task.cost_reference_usd / 2
    played = [episode(cost_usd=half_a_reference), episode(quality=0.0), episode(format_ok=False)]
    for weight, right in ((0.0, 1.0), (0.5, 0.75), (1.0, 0.5), (2.0, 0.05)):  # 1 − λ/2, never below the floor
        rewards = [e.total_reward for e in priced(played, setting, weight)]
        assert rewards == pytest.approx([right, 0.0, -1.0])
    assert Dial().floor == 0.05


def test_a_rolling_normaliser_starts_anew_for_every_row(setting):
    rolling = replace(setting, job=replace(setting.job, reward=RouterR1()))
    played = [episode(cost_usd=c) for c in (0.0, 0.001, 0.004)]
    first, second = ([e.total_reward for e in priced(played, rolling, 0.5)] for _ in range(2))
    assert first == second
    assert first[0] == pytest.approx(0.4 + 0.6 * 0.5)  # one cost alone is half cheap


def test_the_first_choice_of_an_episode(setting):
    task = setting.task
    assert choice_of_episode(episode(("nano", "titan")), task) == ("fact1", "nano")
    assert (
        choice_of_episode(episode(("nano",), query="who is the rival of x", asked="x"), task)[1] == "nano (first hop)"
    )
    assert choice_of_episode(episode(()), task)[1] == "(direct)"
    assert choice_of_episode(episode((), format_ok=False), task)[1] == "(malformed)"
    assert choice_of_episode(episode(("gpt-9",)), task)[1] == "(no such model)"


def test_the_first_choice_of_a_fixed_strategy_and_its_shares():
    direct = Outcome(query_id="q", task="t", quality=1.0, cost_usd=0.0, calls=0, format_ok=True, reward=1.0)
    hop = replace(direct, models=("wiki", "nano"), decomposed=True)
    assert choice_of_outcome(direct, "t1") == ("t1", "(direct)")
    assert choice_of_outcome(hop, "t1") == ("t1", "wiki (first hop)")
    chosen = [("t1", "wiki (first hop)"), ("t1", "nano"), ("t1", "nano"), ("t1", "(direct)"), ("t2", "wiki")]
    rows = choice_rows({("policy", 0.5): chosen}, ("nano", "wiki"))
    assert [(row["task"], row["model"], row["share"]) for row in rows] == [
        ("t1", "nano", 0.5), ("t2", "wiki", 1.0), ("t1", "wiki (first hop)", 0.25), ("t1", "(direct)", 0.25)
    ]  # fmt: skip


def test_the_table_shows_the_share_of_the_best_tables_reward():
    def row(router, reward):
        return Row(
            router=router, cost_weight=0.5, quality=0.5, quality_se=0.0, cost_usd=0.001, reward=reward, reward_se=0.0,
            calls=1.0, format_rate=1.0, n=9,
        )  # fmt: skip

    out = io.StringIO()
    print_table([row("policy", 0.45), row("best_table_blind", 0.4), row("best_table", 0.5)], Console(file=out))
    lines = {line.split("|")[2].strip(): line for line in out.getvalue().splitlines() if line.count("|") > 4}
    assert "90.0%" in lines["policy"] and "80.0%" in lines["best_table_blind"] and "100.0%" in lines["best_table"]


# --- one query ---


def test_a_typed_question_of_the_world_is_graded(finished):
    played = route_query(finished.path, " compute 3 + 4 ", 0.5)
    assert (played.query.text, played.query.answers, played.query.task) == ("compute 3 + 4", ("7",), "arithmetic")
    assert played.quality in (0.0, 1.0)
    assert played.cost_weight == 0.5


def test_a_question_that_nobody_knows_the_answer_of_has_no_quality(setting):
    query = asked_query(setting, "what is love?")
    assert (query.answers, query.task) == ((), "typed")


@pytest.mark.parametrize(("asked", "taken"), [(0.6, 0.5), (0.25, 0.0), (100.0, 2.0)])
def test_a_cost_weight_between_the_trained_ones_is_taken_as_the_nearest_and_said_so(finished, capsys, asked, taken):
    assert route_query(finished.path, "compute 3 + 4", asked).cost_weight == taken
    err = capsys.readouterr().err
    assert f"λ = {asked:g} is taken as {taken:g}" in err and err.count("\n") == 1


def test_a_trained_cost_weight_is_taken_without_a_word(finished, capsys):
    route_query(finished.path, "compute 3 + 4", 2.0)
    assert capsys.readouterr().err == ""


def test_a_replay_answers_its_recorded_questions_and_no_others(setting):
    recorded = Query(query_id="r1", text="What is 2+2?", answers=("4",), task="math")
    replayed = replace(
        setting,
        job=replace(setting.job, task=ReplayTask(table="table.parquet", pool="pool.yaml")),
        task=replace(setting.task, test=(recorded,)),
    )
    assert asked_query(replayed, "What is 2+2?") is recorded
    with pytest.raises(NotRecordedError, match="'What is 3\\+3\\?'.*table.parquet, word for word"):
        asked_query(replayed, "What is 3+3?")


def test_a_route_from_a_folder_without_a_policy_is_refused(run):
    shutil.rmtree(run.policy)
    with pytest.raises(CheckpointError, match="train the run first"):
        route_query(run.path, "compute 3 + 4", 0.5)


# --- a replay run ---


def test_a_run_that_replays_recorded_answers_is_evaluated_in_decide_mode(tmp_path):
    rows = []
    for split, n in (("train", 30), ("val", 4), ("test", 12)):
        for i in range(n):
            for model, cost_usd, score in (("small", 0.001, float(i % 3 == 0)), ("large", 0.01, 1.0)):
                rows.append(
                    {
                        "dataset": "d", "split": split, "query_id": f"{split}{i}", "query": f"question {split} {i}",
                        "task": "math", "ground_truth": "4", "model": model, "score": score, "cost_usd": cost_usd,
                        "prompt_tokens": 5, "completion_tokens": 5, "response": "4",
                    }
                )  # fmt: skip
    pl.DataFrame(rows).write_parquet(tmp_path / "table.parquet")
    prices = {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 1.0}
    (tmp_path / "pool.yaml").write_text(json.dumps({"models": [{"name": n, **prices} for n in ("small", "large")]}))
    folder = RunFolder(tmp_path / "run")
    job = TrainJob(
        name="r",
        run_dir=folder.path,
        cost_weights=(0.0, 1.0),
        task=ReplayTask(table=str(tmp_path / "table.parquet"), pool=str(tmp_path / "pool.yaml")),
        policy=TinyPolicy(hidden_size=32, heads=2, kv_heads=1, intermediate_size=64, vocab_size=400),
        warm_start=WarmStart(steps=40, demonstrations=200),
    )
    make_policy(
        job.policy, job.warm_start, task=job.task.build(), cost_weights=job.cost_weights, tell_cost_weight=True,
        limits=job.limits, seed=0, folder=folder.warm_start,
    )  # fmt: skip
    shutil.copytree(folder.warm_start, folder.policy)
    folder.write_config(job_to_dict(job))
    evaluate_run(folder.path, {})
    strongest = rows_of(folder, "strongest")
    assert [(row["quality"], row["cost_usd"], row["reward"]) for row in strongest] == [
        (1.0, pytest.approx(0.01), pytest.approx(1.0)),
        (1.0, pytest.approx(0.01), pytest.approx(0.05)),  # a whole reference at λ = 1: the floor
    ]
    cheapest = rows_of(folder, "cheapest")
    assert [row["reward"] for row in cheapest] == [pytest.approx(4 / 12), pytest.approx(4 / 12 * 0.9)]
    assert {row["task"] for row in folder.read_rows(folder.choices)} == {"math"}
    assert route_query(folder.path, "question test 3", 0.0).query.query_id == "test3"
