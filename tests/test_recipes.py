"""Every YAML file under recipes/ is composed and checked, without building anything."""

import shutil
from dataclasses import asdict

import pytest
from pydantic import TypeAdapter

from rl_router.episode.multi_round_run import MultiRoundJob
from rl_router.errors import RecipeError
from rl_router.paths import recipes_dir
from rl_router.pipeline.collect import CollectJob
from rl_router.pipeline.model_embeddings import ModelsJob
from rl_router.pipeline.queries import QueriesJob
from rl_router.pipeline.rl_prompts import PromptsJob
from rl_router.pool.pool import load_specs
from rl_router.recipe import compose, group_options, load_job, load_step, read_values, recipe_names
from rl_router.recipe_keys import known_keys
from rl_router.recipe_suite import load_suite
from rl_router.rl.job import TrainJob, job_from_dict, job_to_dict
from rl_router.routers.job import router_job_from_dict, router_job_to_dict
from rl_router.routers.registry import BUILT_IN
from rl_router.serving.job import ServeJob
from rl_router.types import Mode

FILES = sorted(recipes_dir().rglob("*.yaml"))
STEP_JOBS = {
    "collect": CollectJob,
    "models": ModelsJob,
    "prompts": PromptsJob,
    "queries": QueriesJob,
    "serve": ServeJob,
}
FOR_THE_STEP_TO_SET = {  # the same in recipes of the data pipeline
    "collect/router_r1": ("queries=queries.parquet",),
    "collect/xrouter": ("queries=queries.parquet",),
    "prompts/xrouter": ("sources.mix.queries=queries.parquet",),
    "prompts/zeroeval": ("sources.train.table=table.parquet",),
}
ROUTERS = sorted(path.stem for path in (recipes_dir() / "routers").glob("*.yaml"))


def job_of(recipe, *overrides):
    """With what recipes leave open (???) filled in."""
    if recipe in ROUTERS:
        return load_job(recipe, [*overrides, "data=table.parquet"])
    needed = ["task.table=table.parquet"] if recipe == "replay" or "task=replay" in overrides else []
    if recipe == "xrouter_dapo" or "task=live" in overrides:
        needed = ["task.queries=queries.parquet"]
    return load_job(recipe, [*overrides, *needed])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(recipes_dir())))
def test_every_file_is_a_recipe_a_pool_or_an_option_that_fits_the_quickstart(path):
    *folders, name = path.relative_to(recipes_dir()).with_suffix("").parts
    match folders:
        case []:
            assert job_of(name).name == name
        case [step] if step in STEP_JOBS:
            assert load_step(STEP_JOBS[step], name, FOR_THE_STEP_TO_SET.get(f"{step}/{name}", ()), folder=step)
        case ["suites"]:
            assert load_suite(name, ["table=table.parquet"]).name == name
        case ["pool"]:
            assert load_specs(path)
        case ["routers"]:
            assert job_of(name).router.kind == name
        case ["multi_round"]:
            assert (job_of(name).name, job_of(name).decomposer) == (name, "nano")
        case ["rule" | "learner" as group]:
            assert getattr(job_of("random" if name == "direct" else "knn", f"{group}={name}"), group).kind == name
        case [group]:
            job = job_of("quickstart", f"{group}={name}")
            wanted = compose("quickstart", [f"{group}={name}", "++task.table=x", "++task.queries=x"])[group]
            kept = job_to_dict(job)[group]
            said = {key: value for key, value in wanted.items() if key not in ("table", "queries", "pool")}
            assert {key: kept[key] for key in said} == said
        case _:
            pytest.fail(f"{path} lies in a folder of a folder, where nothing looks for it")


def test_a_key_of_a_step_may_have_the_name_of_a_group():
    assert load_step(ModelsJob, "zeroeval", ["pool=mine.yaml"], folder="models").pool == "mine.yaml"


def test_every_file_says_in_its_first_line_what_it_is_for():
    assert [path.name for path in FILES if not path.read_text().startswith("# ")] == []


def test_a_job_goes_to_json_and_comes_back_the_same():
    for name in recipe_names():
        job = job_of(name)
        if isinstance(job, MultiRoundJob):
            assert TypeAdapter(MultiRoundJob).validate_python(asdict(job)) == job
        elif name in ROUTERS:
            assert router_job_from_dict(router_job_to_dict(job)) == job
        else:
            assert job_from_dict(job_to_dict(job)) == job


def test_every_router_has_a_recipe_by_its_name_and_every_recipe_a_router():
    assert {entry.name for entry in BUILT_IN} == set(ROUTERS)


def test_the_replay_recipe_asks_real_questions_at_low_prices_and_its_policy_has_room_for_them():
    job = job_of("replay")
    assert (job.task.mode, job.task.pool, job.cost_weights) == (Mode.DECIDE, "zeroeval", (0.0, 0.05, 0.1, 0.25, 1.0))
    assert job.limits.max_prompt_tokens + job.limits.max_response_tokens <= job.policy.max_tokens
    assert job.limits.max_turns == 1


def test_an_override_may_set_a_key_that_the_recipe_does_not_write():
    assert load_job("quickstart", ["algorithm.steps=7", "cluster.address=auto"]).algorithm.steps == 7


def test_the_run_folder_follows_the_name():
    assert str(load_job("quickstart", ["name=mine"]).run_dir) == "runs/mine"


def test_a_folder_beside_a_recipe_does_not_stand_in_the_way_of_a_key_of_its_name(tmp_path):
    (tmp_path / "seed").mkdir()
    shutil.copy(recipes_dir() / "quickstart.yaml", tmp_path / "mine.yaml")
    assert load_job(str(tmp_path / "mine.yaml"), ["seed=3"]).seed == 3


def test_a_recipe_of_ones_own_is_named_by_its_path_and_uses_the_parts_that_ship(tmp_path):
    mine = tmp_path / "a folder" / "mine.yaml"
    mine.parent.mkdir()
    shutil.copy(recipes_dir() / "quickstart.yaml", mine)
    assert load_job(str(mine), ["algorithm=grpo"]).algorithm.kind == "grpo"


@pytest.mark.parametrize(
    ("recipe", "override", "says"),
    [
        ("quikstart", "seed=1", "did you mean quickstart?"),
        ("quikstart", "seed=1", "did you mean quickstart?; there are "),
        ("knn", "seed=1", "recipe knn leaves data for you to set: add data=VALUE"),
        ("knn", "router.kk=1", "unknown key router.kk in recipe knn; did you mean router.k?"),
        ("knn", "router.k=0", "expected router.k to be greater than or equal to 1, got 0"),
        ("knn", "router.kind=svn", "unknown router 'svn', did you mean svm?"),
        ("knn", "rule.kind=guess", "expected rule.kind to be one of argmax"),
        ("knn", "rule.k=2", "unknown key rule.k in recipe knn, which belongs to another rule.kind"),
        ("knn", "learner=rl", "unknown option learner=rl"),
        ("knn", "learner.kind=rl", "router knn does not learn by rl: it learns by supervised, preference or bandit"),
        ("random", "learner=bandit", "random does not learn by bandit: it goes with direct, and bandit goes with knn"),
        ("random", "rule=cascade", "random does not decide by rule cascade: it goes with argmax or top_k"),
        ("missing.yaml", "seed=1", "there is no recipe file missing.yaml"),
        (
            "quickstart",
            "algorithm.stepz=3",
            "unknown key algorithm.stepz in recipe quickstart; did you mean algorithm.steps",
        ),
        ("quickstart", "task.sede=3", "did you mean task.seed?"),
        ("quickstart", "group_size=3", "did you mean algorithm.group_size?"),
        ("quickstart", "qqq=3", "known there: name, seed, run_dir"),
        ("quickstart", "algorithm=gropo", "unknown option algorithm=gropo, did you mean grpo?"),
        (
            "quickstart",
            "reward.kind=router_r1",
            "unknown key reward.floor in recipe quickstart, which belongs to another",
        ),
        ("quickstart", "task.kind=moon", "expected task.kind to be one of world, replay, live, got 'moon'"),
        ("quickstart", "cost_weights=[0.5,-1]", "expected cost_weights[1] to be greater than or equal to 0, got -1"),
        ("quickstart", "cost_weights=0.5", "expected cost_weights to be a list like [0,0.5], got 0.5"),
        ("quickstart", "seed=abc", "expected seed to be a valid integer"),
        ("quickstart", "evaluation.batch=0", "expected evaluation.batch to be greater than or equal to 1, got 0"),
        ("quickstart", "warm_start.demonstrations=0", "expected warm_start.demonstrations to be greater than or equal"),
        ("quickstart", "reward.floor=2", "reward.floor between 0 and 1"),
        ("quickstart", "seed", "expected key=value, got 'seed'"),
        ("quickstart", "run_dir=a=b", "needs quotes of its own"),
        ("quickstart", "name=${nope}", "'nope' not found"),
        ("replay", "seed=1", "recipe replay leaves task.table for you to set: add task.table=VALUE"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused_in_one_sentence(recipe, override, says):
    data = ["data=t.parquet"] if recipe in ROUTERS and override != "seed=1" else []
    with pytest.raises(RecipeError) as caught:
        load_job(recipe, [override, *data])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_yaml_is_refused_in_one_sentence(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1\nb: 2")
    with pytest.raises(RecipeError, match="does not compose"):
        load_job(str(broken))


def test_a_key_below_a_name_that_people_choose_is_answered_with_the_keys_there():
    with pytest.raises(RecipeError, match="unknown key benchmarks.gsm8k.tst .*did you mean benchmarks.NAME.test?"):
        load_step(QueriesJob, "xrouter", ["benchmarks.gsm8k.tst=3"], folder="queries")


def test_groups_are_the_folders_of_recipes():
    assert group_options()["algorithm"] == ["dapo", "grpo", "ppo"]


def test_known_keys_offer_every_member_of_a_union_once():
    keys = known_keys(TrainJob)
    assert {"task.seed", "task.table", "algorithm.clip", "algorithm.overlong.max_tokens"} <= set(keys)
    assert len(keys) == len(set(keys))


def test_changes_are_read_as_nested_yaml_values():
    assert read_values(["evaluation.queries=10", "evaluation.batch=4", "cost_weights=[0, 1]"]) == {
        "evaluation": {"queries": 10, "batch": 4},
        "cost_weights": [0, 1],
    }
