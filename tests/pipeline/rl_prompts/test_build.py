import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import yaml

from rl_router import cli
from rl_router.pipeline.rl_prompts import PromptsJob, build, build_prompts
from rl_router.pipeline.rl_prompts.job import Difficulty, FixedSet, Pools, Range
from rl_router.recipe import load_job, load_step

POOLS = Pools(
    tiers={"small": Range(min=1, max=2), "medium": Range(min=1, max=2), "large": Range(min=0, max=1)},
    fixed={"pair": FixedSet(share=0.25, models=("a1", "c1"))},
    repetitions=3,
)


@pytest.fixture
def full(job):
    return job(pools=POOLS, cost_weights=(0.0, 1.0), difficulty=Difficulty(max_pass_rate=0.9), seed=7)


def test_any_number_of_workers_writes_the_same_bytes(full, monkeypatch):
    monkeypatch.setattr(build, "CHUNK", 4)
    build_prompts(full)
    files = {path.name: path.read_bytes() for path in full.out.iterdir()}
    build_prompts(replace(full, workers=3))
    assert {path.name: path.read_bytes() for path in full.out.iterdir()} == files


def test_generation_yaml_says_what_was_drawn(full):
    build_prompts(full)
    frame = pl.read_parquet(full.out / "prompts.parquet")
    generation = yaml.safe_load((full.out / "generation.yaml").read_text())
    info = frame["extra_info"].struct
    # ten questions: T (0.25 + 0.75 / 3) = 10, so 20 prompts, 5 of them of the pair
    assert generation["prompts"]["portions"] == {"drawn": 15, "pair": 5}
    assert dict(info.field("portion").value_counts().iter_rows()) == {"drawn": 15, "pair": 5}
    asked = generation["prompts"]["prompts_that_may_ask"]
    assert asked["c1"] == sum("c1" in models for models in info.field("models"))
    assert generation["questions"]["s"] == {
        "read": 12, "held_out": 0, "repeated": 0, "same_wording": 0, "without_pass_rate": 0, "too_hard": 0,
        "too_easy": 2, "too_long": 0, "not_drawn": 0, "kept": 10,
    }  # fmt: skip
    assert generation["questions_are_told_apart_by"] == ["dataset", "query_id"]
    assert generation["job"]["seed"] == 7 and "workers" not in generation["job"]
    assert all(value.startswith("sha256:") for value in (generation["inputs"] | generation["output"]).values())
    assert info.field("index").to_list() == list(range(20))
    assert set(info.field("cost_weight")) == {0.0, 1.0}


def test_another_seed_draws_anew(full):
    build_prompts(full)
    before = pl.read_parquet(full.out / "prompts.parquet")
    build_prompts(replace(full, seed=8))
    assert not pl.read_parquet(full.out / "prompts.parquet").equals(before)


def test_the_order_of_the_table_has_no_say(full, table_file):
    build_prompts(full)
    before = pl.read_parquet(full.out / "prompts.parquet")
    frame = pl.read_parquet(table_file)
    frame.sort("query_id", "model", descending=True).write_parquet(table_file)
    build_prompts(full)
    assert pl.read_parquet(full.out / "prompts.parquet").equals(before)


def test_verl_reads_the_rows(full):
    """Through Arrow, as verl's dataset does: every row keeps its own tools."""
    datasets = pytest.importorskip("datasets")
    build_prompts(replace(full, dialect="tools"))
    rows = datasets.Dataset.from_parquet(str(full.out / "prompts.parquet"), cache_dir=str(full.out / "cache"))
    for row in rows:
        assert [m["role"] for m in row["prompt"]] == ["system", "user"]
        assert len(row["extra_info"]["tool_selection"]) == len(row["extra_info"]["models"]) + 1


def test_the_command_takes_a_recipe_and_reports(table_file, pool_file, tmp_path, capsys):
    arguments = ["zeroeval", f"sources.train.table={table_file}", f"pool={pool_file}", f"out={tmp_path / 'out'}"]
    assert cli.main(["data", "prompts", *arguments]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "train: 10 questions (12 read, 2 too easy)",
        f"10 prompts (drawn 10) in {tmp_path / 'out'}; generation.yaml says what was drawn",
    ]
    assert cli.main(["data", "prompts", *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["prompts"]["total"] == 10


@pytest.mark.parametrize(
    ("prompts", "run"), [("xrouter", "xrouter_dapo"), ("router_r1", "router_r1_ppo"), ("router_r1", "router_r1_grpo")]
)
def test_the_prompt_sets_of_the_recipes_are_those_that_the_runs_train_on(prompts, run):
    changes = ["sources.mix.queries=queries.parquet"] if prompts == "xrouter" else []
    made = load_step(PromptsJob, prompts, changes, folder="prompts")
    job = load_job(run, ["task.queries=queries.parquet"])
    assert set(made.cost_weights) <= set(job.cost_weights)
    if job.task.prompts is not None:  # Router-R1 trains on its queries file unless it is given a set
        assert Path(job.task.prompts).is_relative_to(made.out.absolute())
    assert Path(job.task.pool.file).stem == made.pool
    assert (made.dialect, made.simple) == (job.dialect.kind, False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("pools.tiers.huge.max=1", "pools.tiers.huge.min"),
        ("dialect=morse", "expected dialect to be 'tags' or 'tools', got 'morse'"),
        ("simple=true", "simple mode belongs to dialect=tools"),
        ("sources.train.queries=q.parquet", "either a table or a queries file"),
        ("sourcs=1", "did you mean sources?"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused_before_anything_is_written(table_file, tmp_path, capsys, change, says):
    out = tmp_path / "out"
    assert cli.main(["data", "prompts", "zeroeval", f"sources.train.table={table_file}", f"out={out}", change]) == 2
    shown = capsys.readouterr()
    assert says in shown.err and shown.err.count("\n") == 1
    assert not out.exists()
