"""The embedded world behind a server on the loopback: a prompt set, a pool file and a small policy for any recipe.

A recipe that was written for a cluster runs here with its own task, dialect, reward and algorithm. What is replaced is
the policy, by a small one of the same architecture and chat format that was warm-started to ask and to answer, and the
engine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from loopback import LoopbackServer

from rl_router.data.queries import write_queries
from rl_router.data.world import World
from rl_router.episode.dialects import DialectSetting, Tags, Tools
from rl_router.episode.limits import Limits
from rl_router.episode.world_task import WorldTask
from rl_router.pipeline.rl_prompts import PromptsJob, build_prompts
from rl_router.pipeline.rl_prompts.job import Source
from rl_router.policy.config import UntrainedPolicy, WarmStart
from rl_router.policy.prepare import make_policy
from rl_router.pool.spec import load_specs, pool_path
from rl_router.recipe import load_job
from rl_router.rl.job import TrainJob

KINDS = ("units", "lists")
LIMITS = Limits(max_turns=3, max_prompt_tokens=1600, max_turn_tokens=110, max_reply_tokens=60, max_response_tokens=500)
MODELS = ("nano", "wiki")
WARM = WarmStart(steps=90, batch_size=4, demonstrations=300, decompose=0.0, check=0.0, price_tilt=0.0)


def answer(model: str, prompt: str) -> str:
    """The right answer, to the question alone or at the end of a worker prompt."""
    question = prompt.rpartition("The question: ")[2].strip()
    solution = World(0).solve(question)
    return "not sure" if solution is None else solution.answer


@dataclass(frozen=True, kw_only=True)
class LiveWorld:
    """Files in `folder` that make any RL recipe run against `server`."""

    folder: Path
    server: LoopbackServer

    def overrides(self, policy: Path, run: str) -> list[str]:
        """Fit for a recipe's one step on one core."""
        limits = [f"limits.{name}={value if value is not None else 'null'}" for name, value in vars(LIMITS).items()]
        return [
            "rollout=transformers", "rollout.recompute_log_probs=true", "cluster=laptop",
            f"policy.path={policy}", "policy.dtype=float32",
            f"run_dir={self.folder / run}", f"task.queries={self.folder / 'queries.parquet'}",
            f"task.prompts={self.folder / 'prompts'}", f"task.pool.file={self.folder / 'pool.yaml'}",
            "task.pool.models=null",
            "task.pool.backoff_s=0.01", *limits,
            "algorithm.steps=1", "algorithm.prompts_per_step=4", "algorithm.updates_per_step=1",
            "algorithm.learning_rate=1e-3", "algorithm.warmup_steps=0", "checkpoint_every=1", "stall_timeout_s=900",
            "tracking.tensorboard=false",
        ]  # fmt: skip

    def job(self, recipe: str, policy: Path, run: str, *changes: str) -> TrainJob:
        job = load_job(recipe, [*self.overrides(policy, run), *changes])
        assert isinstance(job, TrainJob)
        return job


def live_world(folder: Path, server: LoopbackServer, cost_weights: tuple[float, ...] = (0.0,)) -> LiveWorld:
    """`cost_weights` are some of those that the recipe trains at; a prompt set is drawn for them."""
    specs = [spec for spec in load_specs(pool_path("world")) if spec.name in MODELS]
    pool = [
        {
            "name": spec.name,
            "endpoint": server.url,
            "input_usd_per_mtok": spec.input_usd_per_mtok,
            "output_usd_per_mtok": spec.output_usd_per_mtok,
            "description": "Fast",
        }
        for spec in specs
    ]
    (folder / "pool.yaml").write_text(yaml.safe_dump({"models": pool}))
    task = WorldTask(n_train=60, n_val=5, n_test=5, tasks=KINDS).build()
    write_queries(folder / "queries.parquet", [*task.train, *task.val, *task.test])
    build_prompts(
        PromptsJob(
            sources={"world": Source(queries=folder / "queries.parquet", split="train")},
            pool=str(folder / "pool.yaml"),
            cost_weights=cost_weights,
            out=folder / "prompts",
        )
    )
    return LiveWorld(folder=folder, server=server)


def short_dialect(kind: str, folder: Path) -> DialectSetting:
    """A dialect with rules of a line: what a tiny policy says depends on little else, and it has to read them all.

    `llama` is the tags dialect with its own rules for Llama, whole.
    """
    if kind == "llama":
        return Tags(prompt="llama")
    folder.mkdir(exist_ok=True)
    rules = folder / f"{kind}.txt"
    rules.write_text(
        "Ask {names}.\n{descriptions}\n{price}Question: {question}\n" if kind == "tags" else "Ask or answer."
    )
    return Tags(prompt=str(rules)) if kind == "tags" else Tools(rules=str(rules))


def small_policy(folder: Path, family: str, dialect: DialectSetting) -> Path:
    """A warm-started model of `family` that speaks `dialect`, as a checkpoint would be downloaded."""
    task = WorldTask(n_train=200, n_val=5, n_test=5, tasks=KINDS).build()
    task = replace(task, pool=task.pool.select(MODELS))
    make_policy(
        UntrainedPolicy(family=family), WARM, task=task, cost_weights=(0.0,), tell_cost_weight=False, limits=LIMITS,
        seed=0, folder=folder, dialect=dialect,
    )  # fmt: skip
    return folder
