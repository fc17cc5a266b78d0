"""The map from a job to verl's keys, held against the configuration of the verl that is installed."""

from dataclasses import replace
from pathlib import Path

import pytest

from rl_router.episode.advantages import Componentwise
from rl_router.rl.job import Cluster, Rollout
from rl_router.rl.presets import Dapo, Grpo
from rl_router.rl.verl_config import algorithm_overrides, as_arguments, verl_environment, verl_overrides

hydra = pytest.importorskip("hydra")
pytest.importorskip("verl")


def overrides_of(job):
    return verl_overrides(
        job,
        model=Path("m"),
        prompts=Path("p.parquet"),
        agent_loops=Path("l.yaml"),
        checkpoints=Path("c"),
        resume_from=None,
    )


def compose(job):
    with hydra.initialize_config_module("verl.trainer.config", version_base=None):
        return hydra.compose("ppo_trainer", overrides=as_arguments(overrides_of(job)))


@pytest.mark.parametrize("algorithm", [Grpo(), Dapo(), Dapo(dynamic_sampling=False, kl_weight=0.1)])
@pytest.mark.parametrize(
    ("rollout", "cluster"),
    [
        (Rollout(), Cluster()),
        (Rollout(engine="sglang", recompute_log_probs=True), Cluster(device="cuda", nodes=2, devices_per_node=8)),
        (Rollout(engine="vllm", recompute_log_probs=True), Cluster(device="cuda", address="auto")),
    ],
)
def test_every_job_composes_with_the_installed_verl(job, algorithm, rollout, cluster):
    config = compose(replace(job, algorithm=algorithm, rollout=rollout, cluster=cluster))
    assert config.actor_rollout_ref.rollout.name == rollout.engine
    assert config.trainer.nnodes == cluster.nodes


def test_dapo_clips_higher_averages_over_tokens_and_filters_groups(job):
    config = compose(replace(job, algorithm=Dapo(clip_low=0.2, clip_high=0.28)))
    actor = config.actor_rollout_ref.actor
    assert (actor.clip_ratio_low, actor.clip_ratio_high) == (0.2, 0.28)
    assert actor.loss_agg_mode == "token-mean"
    assert config.trainer.v1.sampler.sampler_kwargs.filter_groups_metric == "reward"
    assert config.data.gen_batch_size == 5  # the largest divisor of 20 up to 8: what refills come in
    assert actor.use_kl_loss is False


def test_grpo_has_one_clip_and_averages_within_an_episode_first(job):
    config = compose(replace(job, algorithm=Grpo(clip=0.15, kl_weight=0.01, prompts_per_step=8, updates_per_step=2)))
    actor = config.actor_rollout_ref.actor
    assert (actor.clip_ratio_low, actor.clip_ratio_high) == (0.15, 0.15)
    assert actor.loss_agg_mode == "seq-mean-token-mean"
    assert (actor.use_kl_loss, actor.kl_loss_coef) == (True, 0.01)
    assert actor.ppo_mini_batch_size == 4  # 8 prompts in 2 updates
    assert config.trainer.v1.sampler.sampler_kwargs.filter_groups_metric is None
    assert config.algorithm.adv_estimator == "grpo"


def test_the_golden_map_of_the_dapo_preset():
    golden = {
        "algorithm.adv_estimator": "grpo",
        "algorithm.norm_adv_by_std_in_grpo": True,
        "actor_rollout_ref.actor.clip_ratio_low": 0.2,
        "actor_rollout_ref.actor.clip_ratio_high": 0.28,
        "actor_rollout_ref.actor.loss_agg_mode": "token-mean",
        "data.train_batch_size": 20,
        "actor_rollout_ref.rollout.n": 8,
        "actor_rollout_ref.actor.ppo_mini_batch_size": 10,
        "trainer.total_training_steps": 120,
    }
    made = algorithm_overrides(Dapo(steps=120, prompts_per_step=20, group_size=8, updates_per_step=2))
    assert {key: made[key] for key in golden} == golden


def test_a_cluster_of_gpus_gets_no_cpu_platform(job):
    env = verl_environment(replace(job, cluster=Cluster(device="cuda")), metrics=Path("m"))
    assert "VERL_PLATFORM" not in env and "OMP_NUM_THREADS" not in env
    assert verl_environment(job, metrics=Path("m"))["VERL_PLATFORM"] == "cpu"


def test_values_are_written_as_hydra_reads_them():
    written = as_arguments({"a": None, "b": True, "c": "it's", "d": [1, "x"], "e": {"k": 0.5}})
    assert written == ["a=null", "b=True", "c='it\\'s'", "d=[1,'x']", "e={k:0.5}"]


def test_a_settled_advantage_is_not_divided_by_its_spread_again(job):
    assert compose(replace(job, algorithm=Grpo(normalise_by_std=True))).algorithm.norm_adv_by_std_in_grpo
    settled = compose(replace(job, algorithm=Grpo(normalise_by_std=True), advantage=Componentwise()))
    assert not settled.algorithm.norm_adv_by_std_in_grpo
