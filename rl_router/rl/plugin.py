"""What verl loads in every one of its processes: the CPU platform and the transformers rollout engine.

Loaded through `VERL_USE_EXTERNAL_MODULES=rl_router.rl.plugin`. Five things have no public hook in verl 0.9.1 and touch
a name of its modules instead: the adapter registry; the loader of a critic; and on a CPU the process-group initialiser,
which would build "cpu:gloo,cpu:gloo", a backend string that torch refuses; the reference model's offload policy, which
would pin its memory for an accelerator that is not there; and the log-probabilities, where verl takes one token at a
time to save memory that a small vocabulary does not need (a quarter of a step's update).
"""

from __future__ import annotations

import os
from typing import Any

import torch
import verl.utils.distributed as distributed
import verl.utils.model as verl_model
import verl.utils.torch_functional as torch_functional
from torch.nn import functional as F
from transformers import AutoModelForTokenClassification
from transformers.utils import is_flash_attn_2_available
from verl.workers.rollout import base as rollout_base
from verl.workers.rollout.replica import RolloutReplica, RolloutReplicaRegistry

import rl_router.rl.platform  # noqa: F401  (registers the platform "cpu")

ENGINE = "transformers"


def _load_replica() -> type[RolloutReplica]:
    from rl_router.rl.rollout_server import TransformersReplica

    return TransformersReplica


def log_probs_of(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """[…, v] logits and […] labels -> […] log-probability of each label, all at once."""
    rows = logits.flatten(0, -2)
    return -F.cross_entropy(rows, labels.flatten(), reduction="none").view_as(labels)


def load_value_model(local_path: str, torch_dtype: Any, model_config: Any, trust_remote_code: bool) -> Any:
    """A critic: the policy's layers under a head of one number. verl's own loader asks for flash attention always, and
    without it for a package of another trainer."""
    return AutoModelForTokenClassification.from_pretrained(
        local_path,
        dtype=torch_dtype,
        config=model_config,
        attn_implementation="flash_attention_2" if is_flash_attn_2_available() else "sdpa",
        trust_remote_code=trust_remote_code,
    )


verl_model.load_valuehead_model = load_value_model
RolloutReplicaRegistry.register(ENGINE, _load_replica)
rollout_base._ROLLOUT_REGISTRY[(ENGINE, "async")] = "rl_router.rl.rollout_server.TransformersAdapter"

if os.environ.get("VERL_PLATFORM") == "cpu":
    _initialise = distributed.initialize_global_process_group_ray

    def _initialise_gloo(timeout_second: int | None = None, backend: str | None = None) -> Any:
        return _initialise(timeout_second, backend=backend or "cpu:gloo")

    distributed.initialize_global_process_group_ray = _initialise_gloo

    torch_functional.logprobs_from_logits_v2 = log_probs_of

    import verl.workers.engine.fsdp.transformer_impl as fsdp_engine

    _OffloadPolicy = fsdp_engine.CPUOffloadPolicy
    fsdp_engine.CPUOffloadPolicy = lambda pin_memory=True: _OffloadPolicy(pin_memory=False)
