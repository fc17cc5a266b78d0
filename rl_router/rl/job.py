"""A training job: everything a run is made of, as one frozen value that goes to JSON and comes back the same."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from rl_router.episode.advantages import Componentwise, Joint
from rl_router.episode.dialects import Compact, Described, Tags, Tools
from rl_router.episode.environment import Limits
from rl_router.episode.live_task import LiveTask
from rl_router.episode.replay_task import ReplayTask
from rl_router.episode.rewards import Budgeted, Dial, GroupAnchored, RouterR1, SuccessGated
from rl_router.episode.world_task import WorldTask
from rl_router.errors import CheckpointError, RecipeError
from rl_router.policy.config import Lora, PretrainedPolicy, TinyPolicy, UntrainedPolicy, WarmStart
from rl_router.rl.presets import Dapo, Grpo, Ppo

_FORBID = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """The engine that samples: `transformers` needs only torch; `sglang` and `vllm` need a GPU and their extra."""

    __pydantic_config__ = _FORBID
    engine: Literal["transformers", "sglang", "vllm"] = "transformers"
    max_batch: Annotated[int, Field(ge=1)] = 1024
    agent_workers: Annotated[int, Field(ge=1)] = 1
    recompute_log_probs: bool = False
    """Let the trainer compute the log-probabilities of sampled tokens again. `transformers` and the trainer run the
    same kernels and agree to 1e-6; other engines do not, and their recipes turn it on."""
    gpu_memory_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    tensor_parallel: Annotated[int, Field(ge=1)] = 1
    """GPUs that share one copy of the policy when it samples."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where it runs. `device: cpu` makes the devices logical; `address` joins a running Ray cluster.

    `offload` keeps weights and optimiser states in the machine's memory while nothing needs them on a GPU.
    """

    __pydantic_config__ = _FORBID
    device: Literal["cpu", "cuda"] = "cpu"
    nodes: Annotated[int, Field(ge=1)] = 1
    devices_per_node: Annotated[int, Field(ge=1)] = 1
    address: str | None = None
    offload: bool = False


@dataclass(frozen=True, kw_only=True)
class Pools:
    """Each sample may ask `size` models, drawn anew and in random order; None: the task's whole pool, always.

    `held_out` are in no training sample. They are there to be asked when the policy is evaluated.
    """

    __pydantic_config__ = _FORBID
    size: Annotated[int, Field(ge=1)] | None = None
    held_out: tuple[str, ...] = ()

    def draw(self, names: Sequence[str], rng: random.Random) -> list[str] | None:
        """RecipeError where too few models are left to draw from, or one is held out that is not there."""
        if self.size is None:
            return None
        strange = sorted(set(self.held_out) - set(names))
        if strange:
            raise RecipeError(f"pools.held_out names {strange[0]}, which the pool does not have")
        known = [name for name in names if name not in self.held_out]
        if len(known) < self.size:
            raise RecipeError(f"pools.size is {self.size}, and only {len(known)} models are not held out")
        return rng.sample(known, self.size)


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """metrics.jsonl is always written."""

    __pydantic_config__ = _FORBID
    tensorboard: bool = True
    wandb: Literal["off", "offline", "online"] = "off"


@dataclass(frozen=True, kw_only=True)
class Validation:
    """Every checkpoint answers `queries` validation questions at every cost weight; 0 validates nothing.

    `keep` says which becomes the finished policy: the best by the training objective, or the last.
    """

    __pydantic_config__ = _FORBID
    queries: Annotated[int, Field(ge=0)] = 100
    keep: Literal["best", "last"] = "best"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What the table at the end holds. `queries` caps the held-out questions of each cost weight."""

    __pydantic_config__ = _FORBID
    queries: Annotated[int, Field(ge=1)] | None = None
    batch: Annotated[int, Field(ge=1)] = 1024


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """One experiment. `blind_control` also trains a policy of the same budget that is never told the cost weight."""

    __pydantic_config__ = _FORBID
    name: str
    seed: int = 0
    run_dir: Path
    resume: Literal["auto", "never"] = "auto"
    cost_weights: Annotated[tuple[Annotated[float, Field(ge=0.0, allow_inf_nan=False)], ...], Field(min_length=1)] = (
        0.0,
        0.25,
        0.5,
        1.0,
        2.0,
    )
    task: Annotated[WorldTask | ReplayTask | LiveTask, Field(discriminator="kind")]
    reward: Annotated[Dial | SuccessGated | RouterR1 | Budgeted | GroupAnchored, Field(discriminator="kind")] = field(
        default_factory=Dial
    )
    advantage: Annotated[Joint | Componentwise, Field(discriminator="kind")] = field(default_factory=Joint)
    dialect: Annotated[Compact | Described | Tags | Tools, Field(discriminator="kind")] = field(default_factory=Compact)
    pools: Pools = field(default_factory=Pools)
    limits: Limits = field(default_factory=Limits)
    policy: Annotated[TinyPolicy | PretrainedPolicy | UntrainedPolicy, Field(discriminator="kind")] = field(
        default_factory=TinyPolicy
    )
    warm_start: WarmStart = field(default_factory=WarmStart)
    algorithm: Annotated[Grpo | Dapo | Ppo, Field(discriminator="kind")] = field(default_factory=Dapo)
    rollout: Rollout = field(default_factory=Rollout)
    cluster: Cluster = field(default_factory=Cluster)
    tracking: Tracking = field(default_factory=Tracking)
    validation: Validation = field(default_factory=Validation)
    evaluation: Evaluation = field(default_factory=Evaluation)
    checkpoint_every: Annotated[int, Field(ge=1)] = 20
    stall_timeout_s: Annotated[float, Field(gt=0.0)] = 900.0
    """A trainer that logs no step for this long is ended with an error: a dead engine must not hang a run."""
    blind_control: bool = False
    tell_cost_weight: bool = True
    """False for the blind control: rewards still use the cost weight, the prompt does not show it."""

    def __post_init__(self) -> None:
        if isinstance(self.reward, Budgeted):  # the dial is set in dollars: its settings are the budgets
            object.__setattr__(self, "cost_weights", self.reward.budgets_usd)

    @property
    def policy_lora(self) -> Lora | None:
        return self.policy.lora if isinstance(self.policy, PretrainedPolicy) else None


def job_adapter() -> TypeAdapter[TrainJob]:
    return TypeAdapter(TrainJob)


def job_to_dict(job: TrainJob) -> dict[str, Any]:
    return job_adapter().dump_python(job, mode="json")


def job_from_dict(values: dict[str, Any]) -> TrainJob:
    return job_adapter().validate_python(values)


def read_job(config_json: Path) -> TrainJob:
    """Raises CheckpointError when the file is not the config.json of a run."""
    try:
        return job_from_dict(json.loads(config_json.read_text()))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"expected the config.json of a run in {config_json}, but it is none: {reason}"
        ) from error
