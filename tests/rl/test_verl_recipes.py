"""Every RL recipe, on each kind of cluster and engine, against the installed verl: composed, and validated by it."""

import warnings

import pytest

from rl_router.rl.verl_config import as_arguments, verl_overrides

hydra = pytest.importorskip("hydra")
pytest.importorskip("verl")
from pathlib import Path  # noqa: E402

from verl.trainer.ppo.utils import need_critic, need_reference_policy  # noqa: E402
from verl.utils.config import omega_conf_to_dataclass, validate_config  # noqa: E402

from rl_router.policy.config import UntrainedPolicy  # noqa: E402
from rl_router.policy.untrained import build_untrained  # noqa: E402
from rl_router.recipe import load_job  # noqa: E402

RECIPES = ("router_r1_ppo", "router_r1_grpo", "xrouter_dapo", "dial_dapo")
PLACES = [
    ("one_gpu", "transformers"),
    ("one_gpu", "sglang"),
    ("one_node", "vllm"),
    ("multi_node", "sglang"),
]


@pytest.fixture(scope="module")
def config_of(tmp_path_factory):
    """verl reads the policy's configuration while it validates, so there has to be one."""
    model, tokenizer = build_untrained(UntrainedPolicy(), ["a word"], seed=0)
    folder = tmp_path_factory.mktemp("model")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return lambda recipe, *changes: composed(folder, recipe, *changes)


def composed(model, recipe, *changes):
    job = load_job(recipe, ["task.queries=queries.parquet", *changes])
    overrides = verl_overrides(
        job, model=model, prompts=Path("p.parquet"), agent_loops=Path("l.yaml"), checkpoints=Path("c"),
        resume_from=None,
    )  # fmt: skip
    with hydra.initialize_config_module("verl.trainer.config", version_base=None):
        return job, hydra.compose("ppo_trainer", overrides=as_arguments(overrides))


def critic_of(config):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return need_critic(config)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("cluster", "rollout"), PLACES)
def test_a_recipe_composes_and_passes_verls_own_validation(config_of, recipe, cluster, rollout):
    job, config = config_of(recipe, f"cluster={cluster}", f"rollout={rollout}", "cluster.offload=true")
    validate_config(config=config, use_reference_policy=need_reference_policy(config), use_critic=critic_of(config))
    omega_conf_to_dataclass(config.actor_rollout_ref.actor)
    omega_conf_to_dataclass(config.actor_rollout_ref.rollout)
    actor = config.actor_rollout_ref.actor
    assert actor.fsdp_config.param_offload and actor.fsdp_config.optimizer_offload
    assert config.trainer.nnodes == job.cluster.nodes
    assert config.actor_rollout_ref.rollout.name == rollout


def test_router_r1_is_trained_as_published(config_of):
    _, config = config_of("router_r1_ppo")
    assert (config.algorithm.adv_estimator, config.algorithm.use_kl_in_reward) == ("gae", True)
    assert config.algorithm.kl_ctrl.kl_coef == 0.001
    assert (config.actor_rollout_ref.actor.optim.lr, config.critic.optim.lr) == (1e-6, 1e-5)
    assert (config.data.train_batch_size, config.actor_rollout_ref.rollout.n) == (64, 1)
    assert (config.data.max_prompt_length, config.data.max_response_length) == (2048, 3072)
    assert config.actor_rollout_ref.rollout.max_model_len == 5120  # 4,096 of context and a last turn of 1,024
    assert critic_of(config) and need_reference_policy(config)


def test_xrouter_clips_higher_filters_groups_and_averages_over_tokens(config_of):
    job, config = config_of("xrouter_dapo")
    actor = config.actor_rollout_ref.actor
    assert (actor.clip_ratio_low, actor.clip_ratio_high, actor.loss_agg_mode) == (0.2, 0.28, "token-mean")
    assert config.trainer.v1.sampler.sampler_kwargs.filter_groups_metric == "reward"
    assert (job.limits.max_turns, job.algorithm.overlong.buffer_tokens) == (3, 1024)
    assert not critic_of(config)


def test_lora_is_merged_into_what_the_engine_is_sent(config_of):
    _, config = config_of("router_r1_grpo", "policy.lora={rank: 16, alpha: 32}")
    model = config.actor_rollout_ref.model
    assert (model.lora_rank, model.lora_alpha, model.lora.merge) == (16, 32, True)
    assert config.actor_rollout_ref.rollout.load_format == "safetensors"


def test_an_engine_that_stops_at_texts_is_given_a_tokenizer(config_of):
    _, tags = config_of("router_r1_ppo")
    _, tools = config_of("xrouter_dapo")
    assert tags.actor_rollout_ref.rollout.skip_tokenizer_init is False
    assert tools.actor_rollout_ref.rollout.skip_tokenizer_init is True
