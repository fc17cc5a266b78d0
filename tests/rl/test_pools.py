import random
from types import SimpleNamespace

import polars as pl
import pytest

from rl_router.errors import RecipeError
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.recipe import load_job
from rl_router.rl.job import Pools
from rl_router.rl.prompts import write_prompts
from rl_router.types import Query

NAMES = ("a", "b", "c", "d", "e")


def test_a_draw_has_its_size_is_in_random_order_and_leaves_out_what_is_held_out():
    rng, pools = random.Random(0), Pools(size=3, held_out=("e",))
    draws = [pools.draw(NAMES, rng) for _ in range(200)]
    assert all(len(set(draw)) == 3 and "e" not in draw for draw in draws)
    assert {draw[0] for draw in draws} == set("abcd")
    assert Pools().draw(NAMES, rng) is None


def test_a_pool_that_cannot_be_drawn_is_refused():
    with pytest.raises(RecipeError, match="only 2 models are not held out"):
        Pools(size=3, held_out=("a", "b", "c")).draw(NAMES, random.Random(0))
    with pytest.raises(RecipeError, match="held_out names f"):
        Pools(size=2, held_out=("f",)).draw(NAMES, random.Random(0))


def test_every_prompt_of_the_recipe_has_models_of_its_own_and_none_that_is_held_out(tmp_path):
    job = load_job("held_out", [f"run_dir={tmp_path}", "algorithm.steps=2"])
    names = [f"m{i:02d}" for i in range(30)]
    question = Query(query_id="q", text="q", answers=("a",), task="units")
    pool = ModelPool([ModelSpec(name=n, input_usd_per_mtok=1.0, output_usd_per_mtok=1.0) for n in names], None)
    task = SimpleNamespace(train=(question,), prompts=(), pool=pool)
    write_prompts(tmp_path / "prompts.parquet", task, job)
    rows = pl.read_parquet(tmp_path / "prompts.parquet")["extra_info"].to_list()
    asked = {name for row in rows for name in row["models"]}
    assert asked == set(names) - set(job.pools.held_out)
    assert all(len(set(row["models"])) == 4 for row in rows)
    assert len({tuple(row["models"]) for row in rows}) > 0.9 * len(rows)
