"""A prompt set made of a table is what a replay of that table trains on."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from rl_router.data.queries import write_queries
from rl_router.data.table import RoutingTable
from rl_router.episode.live_task import LiveTask
from rl_router.episode.prompt_set import prompts_path, read_prompt_set
from rl_router.episode.replay_task import ReplayTask
from rl_router.errors import DataError
from rl_router.pipeline.rl_prompts import PromptsJob, build_prompts
from rl_router.pipeline.rl_prompts.job import FixedSet, Pools, Source
from rl_router.pool.live_pool import LivePool

POOL = """models:
- {name: mini, tier: small, input_usd_per_mtok: 1, output_usd_per_mtok: 1}
- {name: big, tier: large, input_usd_per_mtok: 9, output_usd_per_mtok: 9}
"""
SPLITS = {"q1": "train", "q2": "train", "q3": "train", "q4": "val", "q5": "test"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    rows = [
        {
            "dataset": "sums", "split": split, "query_id": query_id, "query": f"how much is {query_id}", "task": "sums",
            "ground_truth": "2", "model": model, "score": score, "cost_usd": cost_usd, "prompt_tokens": 10,
            "completion_tokens": 10, "response": "2",
        }
        for query_id, split in SPLITS.items()
        for model, score, cost_usd in (("mini", 0.0, 0.001), ("big", 1.0, 0.01))
    ]  # fmt: skip
    RoutingTable(pl.DataFrame(rows)).write(tmp_path / "table.parquet")
    (tmp_path / "pool.yaml").write_text(POOL)
    return {"table": str(tmp_path / "table.parquet"), "pool": str(tmp_path / "pool.yaml")}


@pytest.fixture
def job(files, tmp_path) -> PromptsJob:
    source = Source(table=Path(files["table"]), end_with_question_mark=True)
    return PromptsJob(sources={"s": source}, pool=files["pool"], out=tmp_path / "prompts", cost_weights=(0.5,))


@pytest.mark.parametrize("dialect", ["tags", "tools"])
def test_a_replay_asks_what_the_set_asks_in_either_dialect(files, job, dialect):
    pools = Pools(fixed={"cheap": FixedSet(share=1.0, models=("mini",))})
    build_prompts(replace(job, dialect=dialect, pools=pools, max_prompts=2))
    task = ReplayTask(**files, prompts=str(job.out)).build()
    assert len(task.prompts) == len(task.train) == 2
    assert {prompt.models for prompt in task.prompts} == {("mini",)}
    assert {prompt.cost_weight for prompt in task.prompts} == {0.5}
    assert all(query.text == f"how much is {query.query_id}?" for query in task.train)  # as the set words it
    assert [query.query_id for query in task.test] == ["q5"]  # what is held out stays the table's
    call = task.pool.ask("big", task.train[0].text, query=task.train[0])
    assert (call.reply.score, call.cost_usd) == (1.0, 0.01)


def test_a_prompt_with_the_whole_pool_has_none_of_its_own(files, job):
    build_prompts(job)
    task = ReplayTask(**files, prompts=str(job.out / "prompts.parquet")).build()
    assert {prompt.models for prompt in task.prompts} == {()}
    assert {prompt.query.query_id for prompt in task.prompts} == {"q1", "q2", "q3"}


def test_prompts_about_held_out_questions_are_left_out_and_counted(files, job):
    build_prompts(replace(job, sources={"v": Source(table=Path(files["table"]), split="val"), **job.sources}))
    train = RoutingTable.read(files["table"]).queries("train")
    prompts, others = read_prompt_set(prompts_path(job.out), train, ("mini", "big"))
    assert (len(prompts), others) == (3, 1)


def test_a_set_that_does_not_fit_is_refused_in_one_sentence(files, job, tmp_path):
    build_prompts(job)
    path, train = prompts_path(job.out), RoutingTable.read(files["table"]).queries("train")
    with pytest.raises(DataError, match="asks 'big', and the pool has mini; train it with the pool that"):
        read_prompt_set(path, train, ("mini",))
    with pytest.raises(DataError, match="None of the 3 prompts .* is about a training question"):
        read_prompt_set(path, [replace(query, dataset="other") for query in train], ("mini", "big"))
    with pytest.raises(DataError, match="is no prompt set: it lacks cost_weight, models, query_id, question; make one"):
        read_prompt_set(Path(files["table"]), train, ("mini", "big"))
    with pytest.raises(DataError, match="There is no prompt set at"):
        ReplayTask(**files, prompts=str(tmp_path / "none")).build()


def test_a_live_task_asks_what_the_set_asks_of_its_own_pool(files, job, tmp_path):
    queries = tmp_path / "queries.parquet"
    write_queries(queries, RoutingTable.read(files["table"]).queries())
    pools = Pools(fixed={"cheap": FixedSet(share=1.0, models=("mini",))})
    build_prompts(replace(job, sources={"s": Source(queries=queries)}, dialect="tools", pools=pools, max_prompts=2))
    pool = LivePool(file=files["pool"], mode="live", endpoint="http://127.0.0.1:9/v1")
    task = LiveTask(queries=str(queries), pool=pool, prompts=str(job.out)).build()
    assert {prompt.models for prompt in task.prompts} == {("mini",)}
    assert len(task.train) == 2 and [query.query_id for query in task.test] == ["q5"]
    assert task.pool.names == ("mini", "big")
