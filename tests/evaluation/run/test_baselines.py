"""Baselines: a pool of two models whose best table can be worked out by hand, and the dial of the embedded world."""

from dataclasses import replace

import pytest

from rl_router.data.world import UNSURE, WorldReferences
from rl_router.episode.rewards import Dial, RouterR1
from rl_router.episode.task import Task, Verbatim
from rl_router.episode.world_task import WorldTask
from rl_router.errors import DataError
from rl_router.evaluation.run.baselines import (
    COST_WEIGHTS,
    Baselines,
    dial_gap,
    reference_outcomes,
    reference_rows,
)
from rl_router.evaluation.run.results import summarise
from rl_router.evaluation.run.strategies import Strategy, play, strategies
from rl_router.observe.findings import FIXED
from rl_router.pool.pool import ModelPool
from rl_router.pool.spec import ModelSpec
from rl_router.types import Mode, ModelReply, Query

TWO_HOP = "who is the rival of the author of silver river"
REPLIES = {
    ("small", "e1"): "yes", ("small", "e2"): "yes", ("small", "h1"): "no", ("small", "h2"): UNSURE,
    ("big", "e1"): "yes", ("big", "e2"): "no", ("big", "h1"): "yes", ("big", "h2"): "yes",
    ("small", TWO_HOP): "ada poe", ("big", TWO_HOP): UNSURE,
    ("small", "who is the author of silver river"): "mara stone",
    ("big", "who is the author of silver river"): UNSURE,
    ("big", "who is the rival of mara stone"): "lena fox",
    ("small", "who is the rival of mara stone"): "ada poe",
}  # fmt: skip
COST_USD = {"small": 0.1, "big": 1.0}


class Recorded:
    async def complete(self, request):
        return self.reply(request)

    def reply(self, request):
        name = request.spec.name
        return ModelReply(model=name, text=REPLIES[name, request.prompt], cost_usd=COST_USD[name])


def question(text, task):
    answer = "lena fox" if text == TWO_HOP else "yes"
    return Query(query_id=text, text=text, answers=(answer,), task=task)


EASY = (question("e1", "easy"), question("e2", "easy"))
HARD = (question("h1", "hard"), question("h2", "hard"))
HOPS = (question(TWO_HOP, "hops"),)


def task_of(queries, *, mode=Mode.ORCHESTRATE, references=None):
    specs = [ModelSpec(name=n, input_usd_per_mtok=0.0, output_usd_per_mtok=0.0) for n in ("small", "big")]
    return Task(
        name="hand-worked", pool=ModelPool(specs, Recorded()), train=queries, val=queries, test=queries, mode=mode,
        cost_reference_usd=1.0, references=references or Verbatim(), label=lambda q: q.task,
    )  # fmt: skip


def rewards(outcomes):
    return {name: [o.reward for o in found] for name, found in outcomes.items()}


def test_the_best_table_of_four_questions_at_weight_a_half():
    queries = EASY + HARD
    found = reference_outcomes(task_of(queries), Dial(), queries, 0.5, queries)
    values = rewards(found)
    assert values["cheapest"] == pytest.approx([0.95, 0.95, 0.0, 0.0])  # 1 − 0.5 · 0.1 when right
    assert values["strongest"] == pytest.approx([0.5, 0.0, 0.5, 0.5])  # three right of four beat two
    assert values["best_table"] == pytest.approx([0.95, 0.95, 0.5, 0.5])
    assert values["oracle"] == pytest.approx([0.95, 0.95, 0.5, 0.5])
    assert [o.models for o in found["best_table"]] == [("small",), ("small",), ("big",), ("big",)]
    assert all(len(o.models) == 1 and o.calls == 1 for o in found["random"])


def test_the_best_single_model_is_the_one_that_earned_most_where_it_was_fitted():
    # small is right on e1 and e2, big on e1, h1 and h2; a right answer earns 1 − 0.1 λ from small and 1 − λ from big
    task = task_of(EASY + HARD)
    baselines = Baselines(task, HARD, EASY + HARD)
    chosen = {weight: str(baselines.best_single(Dial(), (weight,))) for weight in (0.0, 0.25, 0.5)}
    assert chosen == {0.0: "big", 0.25: "big", 0.5: "small"}  # 2/4 < 3/4, 1.95/4 < 2.25/4, 1.9/4 > 1.5/4
    assert str(baselines.best_single(Dial(), (0.0, 0.5))) == "big"  # (2 + 1.9)/4 < (3 + 1.5)/4
    found = reference_outcomes(task, Dial(), HARD, 0.0, EASY)["best_single"]
    assert [(o.models, o.reward) for o in found] == [(("small",), 0.0), (("small",), 0.0)]  # big is right on both


def test_of_single_models_that_earned_the_same_the_pools_first_is_taken():
    baselines = Baselines(task_of(EASY), EASY, EASY[:1])
    assert str(baselines.best_single(Dial(), (0.0,))) == "small"  # both are right on e1


def test_a_chain_pays_for_every_call_and_stops_at_the_first_sure_reply():
    task = task_of(HARD)
    chain, both = Strategy(("small", "big")), HARD
    assert [play(task, q, (chain,))[0] for q in both] == [
        (0.0, 0.1, ("small",), False),
        (1.0, 1.1, ("small", "big"), False),
    ]


def test_two_hops_are_decomposed_with_the_first_reply_in_the_second_question():
    task = task_of(HOPS, references=WorldReferences())
    right, wrong, stuck, retried = play(
        task,
        HOPS[0],
        (
            Strategy(("small",), ("big",)), Strategy(("small",), ("small",)), Strategy(("big",), ("big",)),
            Strategy(("big", "small"), ("big",)),
        ),
    )  # fmt: skip
    assert right == (1.0, 1.1, ("small", "big"), True)
    assert wrong == (0.0, 0.2, ("small", "small"), True)
    assert stuck == (0.0, 1.0, ("big",), True)
    assert retried == (1.0, 2.1, ("big", "small", "big"), True)
    best = Baselines(task, HOPS, HOPS).table(Dial(), (0.5,))
    assert best == {("hops", 1): Strategy(("small",), ("big",))}


def test_strategies_fit_the_task():
    assert [str(s) for s in strategies(task_of(EASY), EASY[0])] == [
        "direct", "small", "big", "small > big", "big > small"
    ]  # fmt: skip
    assert [str(s) for s in strategies(task_of(EASY, mode=Mode.DECIDE), EASY[0])] == ["small", "big"]
    hops = strategies(task_of(HOPS, references=WorldReferences()), HOPS[0])
    assert len(hops) == 5 + 4 * 4
    assert str(hops[-1]) == "big > small / big > small"


def test_the_blind_table_is_best_on_average_and_the_gap_is_what_knowing_the_weight_earns():
    # hard: at weight 0 big earns 1 and at weight 2 the floor 0.05; small earns nothing. The chain is no better.
    # easy: small earns 1 and 0.8; so both tables agree, and the gap is nil.
    queries = EASY + HARD
    rows = reference_rows(task_of(queries), Dial(), (0.0, 2.0), queries, queries)
    by = {(row.router, row.cost_weight): row.reward for row in rows}
    assert by["best_table", 0.0] == pytest.approx(1.0)
    assert by["best_table", 2.0] == pytest.approx((0.8 + 0.8 + 0.05 + 0.05) / 4)
    assert dial_gap(rows) == pytest.approx(0.0)
    # One question that small gets half as well: worth 1 from big at weight 0, and 0.5 · 0.8 from small at weight 2.
    mixed = (question("e1", "mix"), question("h1", "mix"))
    rows = reference_rows(task_of(mixed), Dial(), (0.0, 2.0), mixed, mixed)
    by = {(row.router, row.cost_weight): row.reward for row in rows}
    assert by["best_table", 0.0] == pytest.approx(1.0)  # big: both right
    assert by["best_table", 2.0] == pytest.approx(0.4)  # small: one right at 0.8; big would earn 0.05
    assert by["best_table_blind", 0.0] == pytest.approx(1.0)  # big 1 and 0.05; small 0.5 and 0.4
    assert dial_gap(rows) == pytest.approx((0.4 - 0.05) / 2)


def test_in_decide_mode_a_recorded_score_is_the_quality():
    class Scored(Recorded):
        def reply(self, request):
            return ModelReply(model=request.spec.name, text="?", score=0.25, cost_usd=0.1)

    task = task_of(EASY, mode=Mode.DECIDE)
    task = replace(task, pool=ModelPool(task.pool.specs, Scored()))
    found = reference_outcomes(task, Dial(), EASY, 0.0, EASY)
    assert {o.quality for outcomes in found.values() for o in outcomes} == {0.25}


def test_a_kind_that_was_not_fitted_gets_the_best_single_model_over_all():
    found = reference_outcomes(task_of(EASY + HARD), Dial(), HARD, 0.5, EASY)
    assert [o.models for o in found["best_table"]] == [("small",), ("small",)]


def test_a_rolling_normaliser_is_not_fed_by_strategies_that_were_only_tried():
    reward = RouterR1(alpha=0.5)
    reference_outcomes(task_of(EASY), reward, EASY, 0.0, EASY)
    assert len(reward.normaliser.roots) == 0


def test_baselines_without_queries_are_refused():
    with pytest.raises(DataError, match="at least one query"):
        Baselines(task_of(EASY), (), EASY)


@pytest.fixture(scope="module")
def world():
    task = WorldTask(n_train=2500, n_val=10, n_test=600).build()
    return task, Baselines(task, task.test, task.train)


def test_the_world_makes_a_dial_worth_having(world):
    task, baselines = world
    rows = [
        summarise(router, weight, outcomes)
        for weight in COST_WEIGHTS
        for router, outcomes in baselines.outcomes(Dial(), weight).items()
    ]
    by = {(row.router, row.cost_weight): row for row in rows}
    assert dial_gap(rows) >= 0.04
    costs = [by["best_table", weight].cost_usd / task.cost_reference_usd for weight in COST_WEIGHTS]
    assert all(dearer - cheaper >= 0.03 for dearer, cheaper in zip(costs, costs[1:], strict=False)), costs
    assert costs[0] > 2 * costs[1] and costs[2] > 1.5 * costs[3]
    fixed = {w: max(by[r, w].reward for r in FIXED) for w in COST_WEIGHTS}
    assert by["best_table", 0.5].reward - fixed[0.5] >= 0.28
    assert all(by["best_table", w].reward > fixed[w] for w in COST_WEIGHTS)
    assert all(by["oracle", w].reward >= by["best_table", w].reward for w in COST_WEIGHTS)
    assert str(baselines.cheapest) == "nano" and str(baselines.strongest) == "titan"


@pytest.mark.parametrize("weight", [0.5, 1.0, 2.0])
def test_the_best_table_decomposes_two_hops_with_the_cheaper_specialist(world, weight):
    strategy = world[1].table(Dial(), (weight,))["two_hop", 1]
    assert strategy.first[0] == strategy.then[0] == "wiki"


def test_the_table_answers_the_strings_itself_and_asks_titan_two_hops_at_weight_zero(world):
    table = world[1].table(Dial(), (0.0,))
    assert table["strings", 1] == Strategy()
    assert table["two_hop", 1].first[0] == "titan" and not table["two_hop", 1].then
