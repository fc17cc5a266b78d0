"""A job as the overrides of verl's own `main_ppo`, and the environment its processes need: two pure functions.

Nothing else in rl-router knows a verl key. The result can be printed and run by hand:
`python -m verl.trainer.main_ppo KEY=VALUE …`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rl_router.episode.advantages import Componentwise
from rl_router.rl.job import TrainJob
from rl_router.rl.presets import Algorithm, Dapo, Grpo, Ppo

AGENT = "rl_router_episode"
_FAR = 1_000_000  # epochs: the number of steps ends a run, never the length of its prompt list


def verl_overrides(
    job: TrainJob,
    *,
    model: Path,
    prompts: Path,
    agent_loops: Path,
    checkpoints: Path,
    resume_from: Path | None,
    ray_dir: Path | None = None,
) -> dict[str, Any]:
    """verl's configuration keys (0.9.1), as `{key: value}`; a leading `+` adds a key its schema leaves open."""
    return {
        **_data(job, prompts),
        **_model(job, model),
        **_rollout(job, agent_loops),
        **algorithm_overrides(job.algorithm),
        **_advantage(job),
        **_trainer(job, checkpoints, resume_from),
        **_ray(job, ray_dir),
    }


def algorithm_overrides(algorithm: Algorithm) -> dict[str, Any]:
    """A preset in verl's words. GRPO and DAPO estimate advantages within a group, PPO with a critic."""
    a, actor = algorithm, "actor_rollout_ref.actor"
    dapo = a if isinstance(a, Dapo) else None
    refill = next(n for n in range(8, 0, -1) if a.prompts_per_step % n == 0)  # verl fetches whole multiples
    filters = dapo is not None and dapo.dynamic_sampling
    sampler = "trainer.v1.sampler"
    return {
        **_estimator(a),
        **_clips(a),
        f"{actor}.entropy_coeff": a.entropy_weight,
        f"{actor}.use_kl_loss": a.kl_weight > 0,
        f"{actor}.kl_loss_coef": a.kl_weight,
        f"{actor}.kl_loss_type": "k3+",  # "+": k3's value with the unbiased gradient of k2
        f"{actor}.ppo_mini_batch_size": max(1, a.prompts_per_step // a.updates_per_step),
        **_optimiser(f"{actor}.optim", a, a.learning_rate),
        f"{actor}.grad_clip": a.max_grad_norm,
        "actor_rollout_ref.rollout.n": a.group_size,
        "actor_rollout_ref.rollout.temperature": a.temperature,
        "data.train_batch_size": a.prompts_per_step,
        "data.gen_batch_size": refill if filters else a.prompts_per_step,
        "trainer.total_training_steps": a.steps,
        f"{sampler}.custom_sampler.path": "pkg://rl_router.rl.replay_buffer",
        f"{sampler}.custom_sampler.name": "PromptReplayBuffer",
        f"+{sampler}.sampler_kwargs.filter_groups_metric": "reward" if filters else None,
        f"+{sampler}.sampler_kwargs.max_refills": dapo.max_refills if dapo else 0,
        f"+{sampler}.sampler_kwargs.dispatch_multiple": refill,
        f"+{sampler}.sampler_kwargs.smallest_group": a.smallest_group,
    }


def _estimator(a: Algorithm) -> dict[str, Any]:
    if not isinstance(a, Ppo):
        return {
            "algorithm.adv_estimator": "grpo",
            "algorithm.norm_adv_by_std_in_grpo": a.normalise_by_std,
            "algorithm.use_kl_in_reward": False,
        }
    return {
        "algorithm.adv_estimator": "gae",
        "algorithm.gamma": a.discount,
        "algorithm.lam": a.trace_decay,
        "algorithm.use_kl_in_reward": a.kl_in_reward > 0,
        "algorithm.kl_ctrl.kl_coef": a.kl_in_reward,
        "trainer.critic_warmup": a.critic_warmup_steps,
        "critic.cliprange_value": a.value_clip,
        "critic.grad_clip": a.max_grad_norm,
        **_optimiser("critic.optim", a, a.critic_learning_rate),
    }


def _clips(a: Algorithm) -> dict[str, Any]:
    """GRPO and PPO average within an episode or over tokens as published; DAPO over all tokens (its equation 8)."""
    actor = "actor_rollout_ref.actor"
    low, high = (a.clip_low, a.clip_high) if isinstance(a, Dapo) else (a.clip, a.clip)  # type: ignore[attr-defined]
    return {
        f"{actor}.clip_ratio": low,
        f"{actor}.clip_ratio_low": low,
        f"{actor}.clip_ratio_high": high,
        f"{actor}.loss_agg_mode": "seq-mean-token-mean" if isinstance(a, Grpo) else "token-mean",
    }


def _optimiser(key: str, a: Algorithm, learning_rate: float) -> dict[str, Any]:
    return {
        f"{key}.lr": learning_rate,
        f"{key}.lr_warmup_steps": a.warmup_steps,
        f"{key}.lr_scheduler_type": "cosine" if a.final_learning_rate_ratio < 1 else "constant",
        f"{key}.min_lr_ratio": a.final_learning_rate_ratio,
        f"{key}.betas": [0.9, 0.95],
        f"{key}.weight_decay": 0.0,
        f"{key}.clip_grad": a.max_grad_norm,
    }


def _advantage(job: TrainJob) -> dict[str, Any]:
    """Advantages that come settled keep their size: verl takes the mean of a group off, which is zero."""
    return {"algorithm.norm_adv_by_std_in_grpo": False} if isinstance(job.advantage, Componentwise) else {}


def _data(job: TrainJob, prompts: Path) -> dict[str, Any]:
    return {
        "data.train_files": str(prompts),
        "data.val_files": str(prompts),
        "data.val_max_samples": 8,  # verl insists on a validation set; the harness evaluates
        "data.max_prompt_length": job.limits.max_prompt_tokens,
        "data.max_response_length": job.limits.max_response_tokens,
        "data.shuffle": False,  # the prompt list is drawn in order, so that a resumed run goes on where it stopped
        "data.dataloader_num_workers": 0,
        "data.return_raw_chat": True,
    }


def _model(job: TrainJob, model: Path) -> dict[str, Any]:
    cpu, lora = job.cluster.device == "cpu", job.policy_lora
    actor, ref, critic = "actor_rollout_ref.actor", "actor_rollout_ref.ref", "critic"
    values: dict[str, Any] = {
        "actor_rollout_ref.model.path": str(model),
        "actor_rollout_ref.model.enable_gradient_checkpointing": not cpu,
        "actor_rollout_ref.model.use_remove_padding": not cpu,
        f"{actor}.strategy": "fsdp2",
        f"{ref}.strategy": "fsdp2",
        f"{actor}.ppo_micro_batch_size_per_gpu": _update_of_a_rank(job) if cpu else None,
        f"{actor}.use_dynamic_bsz": not cpu,
        f"{actor}.ppo_max_token_len_per_gpu": max(16384, 2 * _max_tokens(job)),
        f"{actor}.checkpoint.save_contents": ["model", "optimizer", "extra", "hf_model"],
        f"{actor}.checkpoint.load_contents": ["model", "optimizer", "extra"],
        **{f"{role}.fsdp_config.param_offload": job.cluster.offload for role in (actor, ref)},
        f"{actor}.fsdp_config.optimizer_offload": job.cluster.offload,
    }
    if lora is not None:
        values |= {
            "actor_rollout_ref.model.lora_rank": lora.rank,
            "actor_rollout_ref.model.lora_alpha": lora.alpha,
            "actor_rollout_ref.model.target_modules": lora.target_modules,
            "actor_rollout_ref.model.lora.merge": True,  # engines are sent whole weights, as without LoRA
        }
    if isinstance(job.algorithm, Ppo):
        values |= {
            f"{critic}.model.path": str(model),
            f"{critic}.model.enable_gradient_checkpointing": not cpu,
            f"{critic}.model.use_remove_padding": not cpu,
            f"{critic}.strategy": "fsdp2",
            f"{critic}.ppo_micro_batch_size_per_gpu": _update_of_a_rank(job) if cpu else None,
            f"{critic}.ppo_max_token_len_per_gpu": max(32768, 2 * _max_tokens(job)),
            **{f"{critic}.fsdp.{part}_offload": job.cluster.offload for part in ("param", "optimizer")},
        }
    return {**values, **(_on_cpu(isinstance(job.algorithm, Ppo)) if cpu else {})}


def _on_cpu(critic: bool) -> dict[str, Any]:
    """No compiler and no bfloat16: on a CPU either is slower than what it replaces."""
    engines = ["actor_rollout_ref.actor.fsdp_config", "actor_rollout_ref.ref.fsdp_config"]
    models = ["actor_rollout_ref.model"]
    if critic:
        engines.append("critic.fsdp")
        models.append("critic.model")
    return {
        **{f"+{model}.override_config.attn_implementation": "sdpa" for model in models},
        **{f"actor_rollout_ref.{role}.use_torch_compile": False for role in ("actor", "ref")},
        **{f"{engine}.use_torch_compile": False for engine in engines},
        **{f"{engine}.dtype": "float32" for engine in engines},
        **{f"+{engine}.mixed_precision.param_dtype": "fp32" for engine in engines},
    }


def _rollout(job: TrainJob, agent_loops: Path) -> dict[str, Any]:
    rollout = "actor_rollout_ref.rollout"
    # verl fills a batch that lost an episode up to a multiple of an update, and a micro-batch must divide that.
    log_prob_batch = _update_of_a_rank(job) if job.cluster.device == "cpu" else 16
    return {
        f"{rollout}.name": job.rollout.engine,
        f"{rollout}.mode": "async",
        f"{rollout}.calculate_log_probs": True,
        f"{rollout}.tensor_model_parallel_size": job.rollout.tensor_parallel,
        f"{rollout}.n_gpus_per_node": job.cluster.devices_per_node,
        f"{rollout}.max_num_seqs": job.rollout.max_batch,
        f"{rollout}.max_model_len": _max_tokens(job),
        f"{rollout}.gpu_memory_utilization": job.rollout.gpu_memory_share,
        f"{rollout}.free_cache_engine": job.cluster.device != "cpu",
        # A turn of the tags dialect ends at a text, which an engine without a tokenizer cannot see.
        f"{rollout}.skip_tokenizer_init": job.dialect.kind != "tags",
        f"{rollout}.load_format": "dummy" if job.policy_lora is None else "safetensors",
        f"{rollout}.log_prob_micro_batch_size_per_gpu": log_prob_batch,
        "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu": log_prob_batch,
        f"{rollout}.agent.num_workers": job.rollout.agent_workers,
        f"{rollout}.agent.default_agent_loop": AGENT,
        f"+{rollout}.agent.agent_loop_manager_class": "rl_router.rl.loop_worker.EpisodeLoopManager",
        f"{rollout}.agent.agent_loop_config_path": str(agent_loops),
        f"{rollout}.multi_turn.enable": True,
        "algorithm.rollout_correction.bypass_mode": not job.rollout.recompute_log_probs,
        "actor_rollout_ref.actor.calculate_entropy": True,
        "reward.num_workers": 0,  # rewards come with the episode
    }


def _trainer(job: TrainJob, checkpoints: Path, resume_from: Path | None) -> dict[str, Any]:
    return {
        "trainer.device": job.cluster.device,
        "trainer.nnodes": job.cluster.nodes,
        "trainer.n_gpus_per_node": job.cluster.devices_per_node,
        "trainer.logger": ["file"],
        "trainer.project_name": "rl-router",
        "trainer.experiment_name": job.name,
        "trainer.val_before_train": False,
        "trainer.test_freq": -1,
        "trainer.save_freq": job.checkpoint_every,
        "trainer.total_epochs": _FAR,
        "trainer.default_local_dir": str(checkpoints),
        "trainer.max_actor_ckpt_to_keep": 2,
        "trainer.resume_mode": "resume_path" if resume_from else "disable",
        "trainer.resume_from_path": str(resume_from) if resume_from else None,
        "trainer.balance_batch": _devices(job) > 1,
        "transfer_queue.backend.SimpleStorage.num_data_storage_units": job.cluster.nodes,
    }


def _ray(job: TrainJob, ray_dir: Path | None) -> dict[str, Any]:
    init = "ray_kwargs.ray_init"
    if job.cluster.address:
        return {f"+{init}.address": job.cluster.address, f"{init}.num_cpus": None}
    values: dict[str, Any] = {f"+{init}.include_dashboard": False}
    if ray_dir:
        values[f"+{init}._temp_dir"] = str(ray_dir)
    if job.cluster.device == "cpu":
        # Logical cores: verl reserves one for each of its small actors, more than a laptop has.
        values |= {
            f"{init}.num_cpus": 16,
            f"+{init}.num_gpus": job.cluster.devices_per_node,
            f"+{init}.object_store_memory": 300_000_000,
        }
    return values


def verl_environment(job: TrainJob, *, metrics: Path) -> dict[str, str]:
    """Variables for the trainer and, through Ray, for each of its workers."""
    common = {
        "VERL_USE_EXTERNAL_MODULES": "rl_router.rl.plugin",
        "VERL_FILE_LOGGER_PATH": str(metrics),
        "TOKENIZERS_PARALLELISM": "false",
        "RAY_USAGE_STATS_ENABLED": "0",
        "HYDRA_FULL_ERROR": "1",
    }
    if job.cluster.device != "cpu":
        return common
    return common | {
        "VERL_PLATFORM": "cpu",
        "VERL_ENGINE_DEVICE": "cuda",  # picks the FSDP engine, which runs on any torch device
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "RAY_ADDRESS": "",  # else a cluster that the user's shell points to is joined
        "RAY_worker_niceness": "0",  # else Ray's own 15: beside anything else that runs, a step takes many times longer
        "RAY_prestart_worker_first_driver": "0",  # else Ray starts a Python process for each logical core
    }


def as_arguments(overrides: Mapping[str, Any]) -> list[str]:
    """Hydra's command-line form."""
    return [f"{key}={_literal(value)}" for key, value in overrides.items()]


def _literal(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value)
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        case Mapping():
            return "{" + ",".join(f"{k}:{_literal(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(_literal(v) for v in value) + "]"
        case _:
            return str(value)


def _max_tokens(job: TrainJob) -> int:
    return job.limits.max_prompt_tokens + job.limits.max_response_tokens


def _devices(job: TrainJob) -> int:
    return job.cluster.nodes * job.cluster.devices_per_node


def _update_of_a_rank(job: TrainJob) -> int:
    """The episodes of one optimiser step that one rank sees."""
    a = job.algorithm
    return max(1, a.prompts_per_step // a.updates_per_step * a.group_size // _devices(job))
