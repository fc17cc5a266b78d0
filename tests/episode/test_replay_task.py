import logging
from pathlib import Path

import polars as pl
import pytest
from pydantic import TypeAdapter

from rl_router.data.table import RoutingTable
from rl_router.episode.replay_task import ReplayTask, WholeQuestion, sample, task_label
from rl_router.errors import DataError, PoolError, RecipeError, UnknownModelError
from rl_router.types import Mode, Query

ZEROEVAL = Path(__file__).parents[2].parent / "shared" / "data" / "zeroeval" / "responses_pool10.parquet"

# question: (split, text, mini's score and cost, big's score and cost)
QUESTIONS = {
    "q1": ("train", "1 + 1?", (0.0, 0.001), (1.0, 0.010)),
    "q2": ("train", "2 + 2?", (1.0, 0.001), (1.0, 0.030)),
    "q3": ("train", "3 + 3?", (1.0, 0.001), (None, 0.900)),  # big was not graded
    "q4": ("val", "4 + 4?", (1.0, 0.001), (0.0, 0.010)),
    "q5": ("test", "5 + 5?", (1.0, 0.001), (1.0, 0.010)),
    "q6": ("test", "1 + 1?", (1.0, 0.001), (1.0, 0.010)),  # q1 of train again
}
POOL = """models:
- {name: mini, input_usd_per_mtok: 1, output_usd_per_mtok: 1}
- {name: big, input_usd_per_mtok: 9, output_usd_per_mtok: 9}
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    rows = [
        {
            "dataset": "demo", "split": split, "query_id": query_id, "query": text, "task": "sums-l1",
            "ground_truth": "2", "model": model, "score": score, "cost_usd": cost_usd,
            "prompt_tokens": 10, "completion_tokens": 10, "response": "2",
        }
        for query_id, (split, text, *cells) in QUESTIONS.items()
        for model, (score, cost_usd) in zip(("mini", "big"), cells, strict=True)
    ]  # fmt: skip
    RoutingTable(pl.DataFrame(rows)).write(tmp_path / "table.parquet")
    (tmp_path / "pool.yaml").write_text(POOL)
    return {"table": str(tmp_path / "table.parquet"), "pool": str(tmp_path / "pool.yaml")}


def test_ungraded_and_leaked_questions_are_dropped_and_counted(files, caplog):
    with caplog.at_level(logging.INFO):
        task = ReplayTask(**files).build()
    assert [[q.query_id for q in part] for part in (task.train, task.val, task.test)] == [["q1", "q2"], ["q4"], ["q5"]]
    assert [record.getMessage() for record in caplog.records] == [
        "Replay: train 2, val 1, test 1 questions; dropped 1 that some model has no recorded score or price for, "
        "and 1 held-out ones that are in train too."
    ]


def test_the_cost_reference_is_the_mean_price_of_the_strongest_model_on_train(files):
    task = ReplayTask(**files).build()
    assert task.cost_reference_usd == pytest.approx(0.02)  # big: (0.010 + 0.030) / 2, the ungraded 0.900 left out
    assert (task.mode, task.pool.names) == (Mode.DECIDE, ("mini", "big"))


def test_fewer_models_keep_more_questions(files):
    task = ReplayTask(**files, models=("mini",)).build()
    assert [q.query_id for q in task.train] == ["q1", "q2", "q3"]
    assert task.cost_reference_usd == pytest.approx(0.001)


def test_the_pool_replays_what_was_recorded(files):
    task = ReplayTask(**files).build()
    call = task.pool.ask("big", task.train[1].text, query=task.train[1])
    assert (call.reply.score, call.cost_usd) == (1.0, 0.03)


def test_a_bad_setting_is_refused_in_one_sentence(files, tmp_path):
    with pytest.raises(UnknownModelError, match="There is no model 'minni'"):
        ReplayTask(**files, models=("minni",)).build()
    with pytest.raises(DataError, match="no split 'dev'; it has test, train, val"):
        ReplayTask(**files, splits=("train", "dev", "test")).build()
    with pytest.raises(DataError, match="no task 'maths'"):
        ReplayTask(**files, tasks=("maths",)).build()
    with pytest.raises(DataError, match="max_test is 0"):
        ReplayTask(**files, max_test=0).build()
    with pytest.raises(PoolError, match="There is no pool 'none'; give the path of a YAML file or one of the names"):
        ReplayTask(table=files["table"], pool="none").build()
    (tmp_path / "pool.yaml").write_text(POOL.replace("mini", "tiny"))
    with pytest.raises(DataError, match="no model 'tiny'; it has big, mini"):
        ReplayTask(**files).build()


@pytest.mark.parametrize("mode", ["orchestrate", Mode.ORCHESTRATE])
def test_recorded_answers_are_not_orchestrated(mode):
    with pytest.raises(RecipeError, match=r"under task\.mode=orchestrate; set task\.mode=decide"):
        ReplayTask(table="table.parquet", pool="zeroeval", mode=mode)
    with pytest.raises(RecipeError, match=r"set task\.mode=decide"):
        TypeAdapter(ReplayTask).validate_python({"table": "table.parquet", "pool": "zeroeval", "mode": mode})


def test_a_split_that_nothing_is_left_of_is_refused(files):
    table = RoutingTable.read(files["table"]).frame
    RoutingTable(table.with_columns(score=pl.when(pl.col("split") == "val").then(None).otherwise("score"))).write(
        files["table"]
    )
    with pytest.raises(DataError, match="no question in split 'val' that all of mini, big"):
        ReplayTask(**files).build()


def test_a_sub_query_always_means_the_question_and_it_means_the_last_reply():
    references = WholeQuestion()
    for text in ("same", "", "something else"):
        assert references.query(text, question="1 + 1?", last_reply=None) == "1 + 1?"
    assert references.answer("it", question="1 + 1?", last_reply="2") == "2"
    assert references.answer("it", question="1 + 1?", last_reply=None) == "it"
    assert references.answer("3", question="1 + 1?", last_reply="2") == "3"


def test_a_label_is_one_word():
    queries = [Query(query_id="q", text="", answers=(), task=task) for task in ("gsm", "math-l5", "MMLU_pro 2")]
    assert [task_label(query) for query in queries] == ["gsm", "mathl5", "mmlupro2"]


def test_a_sample_is_the_same_each_time_and_keeps_the_order():
    queries = [Query(query_id=str(i), text="", answers=(), task="a") for i in range(100)]
    chosen = sample(queries, 20)
    assert chosen == sample(queries[::-1], 20)[::-1]
    assert len(chosen) == 20
    assert [int(q.query_id) for q in chosen] == sorted(int(q.query_id) for q in chosen)
    assert chosen != tuple(queries[:20])
    assert sample(queries, None) == sample(queries, 100) == tuple(queries)


@pytest.mark.skipif(not ZEROEVAL.exists(), reason="the recorded answers of ../shared/data/zeroeval are not here")
def test_the_recorded_answers_of_zeroeval_become_a_task():
    task = ReplayTask(table=str(ZEROEVAL), pool="zeroeval").build()
    assert (len(task.train), len(task.val), len(task.test)) == (1985, 281, 574)
    assert {task.label(q) for q in task.train} == {"gsm", "mathl5", "crux"}
    assert task.cost_reference_usd == pytest.approx(0.003334, abs=5e-7)  # gpt-4o-2024-08-06, strongest on train
    assert max(len(q.text) for q in task.train) == 2166  # the longest question of the file, whole
    query = task.test[0]
    for spec in task.pool.specs:  # the recipe's prices are those that the recorded costs were made with
        call = task.pool.ask(spec.name, query.text, query=query)
        assert call.cost_usd == pytest.approx(spec.price(call.reply.usage))


def test_relative_paths_mean_the_same_files_from_another_folder(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = TypeAdapter(ReplayTask).validate_python({"table": "table.parquet", "pool": "pool.yaml"})
    assert (config.table, config.pool) == (files["table"], files["pool"])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = TypeAdapter(ReplayTask).validate_python(TypeAdapter(ReplayTask).dump_python(config))
    assert len(again.build().test) == 1
