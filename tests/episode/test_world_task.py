"""The embedded world as a task: sizes, labels, the reference cost and the refusal of bad settings."""

from collections import Counter

import pytest
from pydantic import TypeAdapter, ValidationError

from rl_router.episode.world_task import WorldTask, label, strongest_call_usd
from rl_router.errors import PoolError, RecipeError
from rl_router.types import Mode


def test_the_world_builds_with_its_sizes_and_one_word_labels():
    task = WorldTask(n_train=200, n_val=30, n_test=60).build()
    assert (len(task.train), len(task.val), len(task.test)) == (200, 30, 60)
    assert task.mode is Mode.ORCHESTRATE
    labels = {label(q) for q in task.train}
    assert labels == {
        "strings1", "arithmetic1", "arithmetic2", "arithmetic3", "units1", "lists1", "lists2", "lists3", "fact1",
        "two_hop1",
    }  # fmt: skip
    assert task.label(task.train[0]) == f"{task.train[0].task}{task.train[0].difficulty}"


def test_the_reference_cost_is_the_mean_call_to_titan():
    task = WorldTask(n_train=100, n_val=10, n_test=10).build()
    calls = [task.pool.ask("titan", q.text, query=q).cost_usd for q in task.train]
    assert task.cost_reference_usd == pytest.approx(sum(calls) / 100)
    assert strongest_call_usd(task.pool, task.train[:1]) == calls[0]  # of equals, the dearest


def test_a_reduced_world_has_only_the_tasks_named():
    task = WorldTask(tasks=("fact", "two_hop"), two_hop_share=0.5, n_train=40, n_val=10, n_test=20).build()
    assert Counter(q.task for q in task.test) == {"fact": 10, "two_hop": 10}


def test_the_mode_may_come_from_a_recipe_as_text():
    assert WorldTask(mode="decide", n_train=10, n_val=5, n_test=5).build().mode is Mode.DECIDE


def test_a_misspelt_key_of_a_recipe_is_refused():
    with pytest.raises(ValidationError, match="n_trian"):
        TypeAdapter(WorldTask).validate_python({"kind": "world", "n_trian": 10})


def test_a_seed_is_a_world_of_its_own():
    texts = [[q.text for q in WorldTask(seed=s, n_train=20, n_val=5, n_test=5).build().train] for s in (0, 0, 1)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_bad_settings_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(RecipeError, match="n_test is 0"):
        WorldTask(n_test=0).build()
    with pytest.raises(RecipeError, match="no task 'poetry'"):
        WorldTask(tasks=("poetry",)).build()
    with pytest.raises(PoolError, match="There is no pool 'no_such_pool'"):
        WorldTask(pool="no_such_pool").build()
    bare = tmp_path / "bare.yaml"
    bare.write_text("models: [{name: a, input_usd_per_mtok: 1, output_usd_per_mtok: 1}]")
    with pytest.raises(PoolError, match="cannot be simulated"):
        WorldTask(pool=str(bare)).build()
