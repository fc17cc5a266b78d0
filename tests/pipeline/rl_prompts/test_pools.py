from collections import Counter

import pytest
from pydantic import TypeAdapter, ValidationError

from rl_router.errors import RecipeError
from rl_router.pipeline.rl_prompts.job import FixedSet, Pools, Range
from rl_router.pipeline.rl_prompts.pools import DRAWN, WHOLE, assign, check_models, portion_sizes
from rl_router.pool.spec import ModelSpec

SPECS = [
    ModelSpec(name=name, tier=tier, input_usd_per_mtok=1, output_usd_per_mtok=1)
    for name, tier in (("a1", "small"), ("a2", "small"), ("a3", "small"), ("b1", "medium"), ("c1", "large"))
]
TIERS = {"small": Range(min=1, max=2), "medium": Range(min=0, max=1), "large": Range(min=0, max=5)}
FIXED = {
    "one": FixedSet(share=0.2, models=("a1", "c1")),
    "two": FixedSet(share=0.1, models=("b1",)),
    "three": FixedSet(share=0.1, models=("a1", "a2", "a3")),
}


def ids(n):
    return [f"q{i}" for i in range(n)]


def test_shares_are_of_all_prompts_and_drawn_ones_are_repeated():
    pools = Pools(tiers=TIERS, fixed=FIXED, repetitions=3)
    # T prompts need 0.4 T questions for the fixed sets and 0.6 T / 3 for the rest: 60 questions make T = 100
    assert portion_sizes(60, pools, None) == {DRAWN: 60, "one": 20, "two": 10, "three": 10}
    samples = assign(ids(60), SPECS, pools, None, seed=0)
    assert Counter(s.portion for s in samples) == {DRAWN: 60, "one": 20, "two": 10, "three": 10}
    drawn = [s for s in samples if s.portion == DRAWN]
    assert Counter(s.question for s in drawn) == dict.fromkeys(range(20), 3)
    fixed = [s.question for s in samples if s.portion != DRAWN]
    assert sorted(fixed) == list(range(20, 60))  # no question is in two portions
    assert {s.models for s in samples if s.portion == "one"} == {("a1", "c1")}


def test_a_maximum_keeps_the_shares():
    pools = Pools(tiers=TIERS, fixed=FIXED, repetitions=3)
    assert portion_sizes(60, pools, 10) == {DRAWN: 6, "one": 2, "two": 1, "three": 1}
    assert len(assign(ids(60), SPECS, pools, 10, seed=0)) == 10


def test_what_rounding_leaves_over_is_drawn_or_goes_to_the_largest_fixed_set():
    assert portion_sizes(7, Pools(tiers=TIERS, fixed=FIXED), None) == {DRAWN: 6, "one": 1, "two": 0, "three": 0}
    only = Pools(fixed={"x": FixedSet(share=0.7, models=("a1",)), "y": FixedSet(share=0.3, models=("b1",))})
    assert portion_sizes(7, only, None) == {DRAWN: 0, "x": 5, "y": 2}


@pytest.mark.parametrize("questions", range(1, 40))
@pytest.mark.parametrize("repetitions", [1, 2, 3])
def test_no_number_of_questions_runs_out(questions, repetitions):
    pools = Pools(tiers=TIERS, fixed=FIXED, repetitions=repetitions)
    samples = assign(ids(questions), SPECS, pools, None, seed=1)
    assert max(s.question for s in samples) < questions
    assert len({(s.question, s.repetition) for s in samples}) == len(samples)


def test_pools_hold_as_many_models_of_each_tier_as_they_may():
    sizes = {tier: set() for tier in TIERS}
    tier_of = {spec.name: spec.tier for spec in SPECS}
    for sample in assign(ids(200), SPECS, Pools(tiers=TIERS), None, seed=0):
        assert len(set(sample.models)) == len(sample.models)
        counts = Counter(tier_of[model] for model in sample.models)
        for tier in TIERS:
            sizes[tier].add(counts[tier])
    assert sizes == {"small": {1, 2}, "medium": {0, 1}, "large": {0, 1}}  # the large tier has one model, not five


def test_each_repetition_has_a_draw_of_its_own_and_each_place_any_model():
    samples = assign(ids(100), SPECS, Pools(tiers=TIERS, repetitions=2), None, seed=0)
    pairs = [(a.models, b.models) for a, b in zip(samples[::2], samples[1::2], strict=True)]
    assert 50 < sum(a != b for a, b in pairs) < 100
    assert {s.models[0] for s in samples} == {spec.name for spec in SPECS}


def test_a_draw_depends_on_the_seed_and_the_question_alone():
    pools = Pools(tiers=TIERS)
    all_of = {s.question: s.models for s in assign(ids(50), SPECS, pools, None, seed=0)}
    (alone,) = assign(["q17"], SPECS, pools, None, seed=0)
    assert alone.models == all_of[17]
    assert assign(ids(50), SPECS, pools, None, seed=1) != assign(ids(50), SPECS, pools, None, seed=0)


def test_without_tiers_and_sets_every_prompt_has_the_whole_pool():
    samples = assign(ids(3), SPECS, Pools(), None, seed=0)
    assert {(s.portion, s.models) for s in samples} == {(WHOLE, ("a1", "a2", "a3", "b1", "c1"))}


def test_a_pool_is_never_empty_though_every_tier_may_be():
    pools = Pools(tiers={"small": Range(min=0, max=1), "large": Range(min=0, max=1)})
    assert all(s.models for s in assign(ids(100), SPECS, pools, None, seed=0))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"fixed": {"x": {"share": 0.6, "models": ["a1"]}}}, "must make 1, and they make 0.6"),
        ({"fixed": {x: {"share": 0.6, "models": ["a1"]} for x in "xy"}}, "make 1.2, which is above 1"),
        ({"tiers": {"small": {"min": 3, "max": 2}}}, "min 3 is above max 2"),
        ({"tiers": {"small": {"min": 0, "max": 0}}}, "a pool would be empty"),
        ({"fixed": {"x": {"share": 1.0, "models": []}}}, "at least 1 item"),
    ],
)
def test_shares_and_ranges_that_make_no_sense_are_refused(values, says):
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(Pools).validate_python(values)


def test_models_and_tiers_that_the_pool_lacks_are_refused():
    with pytest.raises(RecipeError, match="Fixed set 'x' names 'zz'; the pool has a1, a2"):
        check_models(Pools(fixed={"x": FixedSet(share=1, models=("zz",))}), SPECS)
    with pytest.raises(RecipeError, match="no tier 'huge'; its tiers are large, medium, small"):
        check_models(Pools(tiers={"huge": Range(min=1, max=1)}), SPECS)
