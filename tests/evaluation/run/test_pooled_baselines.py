"""Baselines where each question has a pool of its own."""

import pytest

from rl_router.episode.rewards import Dial
from rl_router.episode.world_task import WorldTask
from rl_router.errors import RecipeError
from rl_router.evaluation.run.pooled_baselines import PooledBaselines
from rl_router.types import Mode


@pytest.fixture(scope="module")
def task():
    return WorldTask(n_train=800, n_val=10, n_test=60, mode=Mode.DECIDE).build()


@pytest.fixture(scope="module")
def pools(task):
    two = [("nano", "titan"), ("wiki", "mather")]
    return {q.query_id: two[i % 2] for i, q in enumerate(task.test)}


@pytest.fixture(scope="module")
def outcomes(task, pools):
    return PooledBaselines(task, task.test, pools).outcomes(Dial(), 0.5, (0.0, 0.5))


def test_no_baseline_asks_a_model_that_the_question_may_not_ask(outcomes, pools):
    assert set(outcomes) == {
        "cheapest", "strongest", "random", "best_single", "best_table_blind", "best_table", "oracle",
    }  # fmt: skip
    for found in outcomes.values():
        assert all(o.models[0] in pools[o.query_id] for o in found)


def test_each_takes_the_best_of_its_own_kind(outcomes, pools, task):
    first = {o.query_id: o.models[0] for o in outcomes["cheapest"]}
    assert {first[q] for q, pool in pools.items() if "nano" in pool} == {"nano"}
    assert {first[q] for q, pool in pools.items() if "wiki" in pool} == {"wiki"}
    best = {o.query_id: o.models[0] for o in outcomes["best_table"]}
    facts = [q.query_id for q in task.test if q.task == "fact" and "wiki" in pools[q.query_id]]
    units = [q.query_id for q in task.test if q.task == "units" and "wiki" in pools[q.query_id]]
    assert facts and {best[q] for q in facts} == {"wiki"}
    assert units and {best[q] for q in units} == {"mather"}


def test_the_oracle_earns_no_less_than_any_other(outcomes):
    totals = {name: sum(o.reward for o in found) for name, found in outcomes.items()}
    assert totals["oracle"] == max(totals.values())
    assert totals["best_table"] > totals["random"]


def test_orchestrating_policies_have_none(task, pools):
    from dataclasses import replace

    with pytest.raises(RecipeError, match="decide alone"):
        PooledBaselines(replace(task, mode=Mode.ORCHESTRATE), task.test, pools)
