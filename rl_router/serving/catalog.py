"""What is served at one moment: models, routers, names and breakers. A reload makes a new one and swaps it in whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rl_router.episode.multi_round_run import is_multi_round
from rl_router.errors import CheckpointError, RecipeError
from rl_router.observe.run_folder import RunFolder
from rl_router.pool.keys import Mask, all_keys
from rl_router.pool.live_pool import LivePool
from rl_router.pool.spec import ModelSpec, load_specs, pool_path
from rl_router.serving.arms import Arms
from rl_router.serving.breaker import Breaker
from rl_router.serving.dialect import CHAT, EMBEDDINGS, RESPONSES
from rl_router.serving.http_upstream import HttpUpstream
from rl_router.serving.job import ServeJob
from rl_router.serving.multi_round import ServedMultiRound
from rl_router.serving.names import Kind, Names
from rl_router.serving.routing import Choice, ServedRouter
from rl_router.serving.sessions import Sessions
from rl_router.serving.simulated_upstream import SimulatedUpstream
from rl_router.serving.trial import CANARY, SHADOW, CanaryTrial, Shadow
from rl_router.serving.upstream import Upstream

if TYPE_CHECKING:
    from rl_router.serving.policy import ServedPolicy

ARMS = "arms.sqlite"
"""In the run folder of a canary: which arm gave which answer."""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Requests keep the catalog that they began with, to their end."""

    job: ServeJob
    specs: Mapping[str, ModelSpec]
    routers: Mapping[str, ServedRouter]
    policies: Mapping[str, ServedPolicy]
    multi_rounds: Mapping[str, ServedMultiRound]
    shadow: Shadow | None
    canary: CanaryTrial | None
    names: Names
    breakers: Mapping[tuple[str, str], Breaker]
    """By model and path: one that has no embeddings must not rest from chatting when somebody asks for some."""
    sessions: Sessions | None
    upstream: Upstream
    mask: Mask

    @classmethod
    def open(cls, job: ServeJob, environment: Mapping[str, str]) -> Catalog:
        """Everything that a request could miss is refused here: models, prices, keys, routers."""
        specs = {spec.name: spec for spec in specs_of(job)}
        mask = Mask(all_keys(environment))
        upstream = open_upstream(job, specs, environment)
        routers = {
            name: ServedRouter(name, router_folder(run), specs, processes=job.scorers)
            for name, run in job.routers.items()
            if kind_of(run) == "router"
        }
        multi_rounds = {
            name: ServedMultiRound(name, run, specs)
            for name, run in job.routers.items()
            if kind_of(run) == "multi_round"
        }
        policies = open_policies(job, specs)
        shadow = Shadow(open_new(job.shadow, SHADOW, specs, job)) if job.shadow is not None else None
        canary = None
        if job.canary is not None:
            arms = Arms(job.canary.router / ARMS)
            canary = CanaryTrial(open_new(job.canary.router, CANARY, specs, job), job.canary.share, arms)
        default = job.default or next(iter(job.routers), None)
        if canary is not None and (default is None or default not in routers):
            raise RecipeError("a canary answers for the router that auto means: name one with routers, or default")
        if default is not None and default not in job.routers:
            raise RecipeError(f"default is {default!r}, and the routers are {', '.join(job.routers) or '(none)'}")
        kinds = {name: kind_of(run) for name, run in job.routers.items()}
        return cls(
            job=job,
            specs=specs,
            routers=routers,
            policies=policies,
            multi_rounds=multi_rounds,
            shadow=shadow,
            canary=canary,
            names=Names(kinds, default, specs),
            breakers={(name, d.path): Breaker(job.breaker) for name in specs for d in (CHAT, RESPONSES, EMBEDDINGS)},
            sessions=Sessions(job.sticky, specs) if job.sticky is not None else None,
            upstream=upstream,
            mask=mask,
        )

    def router_of(self, choice: Choice) -> ServedRouter:
        """Whose decision it is."""
        return self.canary.router if choice.arm == CANARY and self.canary else self.routers[choice.strategy]

    def learners(self) -> list[ServedRouter]:
        """Who may want to hear what came of a decision."""
        return [*self.routers.values(), *([self.canary.router] if self.canary is not None else [])]

    async def close(self) -> None:
        if self.shadow is not None:
            self.shadow.close()
        if self.canary is not None:
            self.canary.close()
        for router in self.routers.values():
            router.close()
        for policy in self.policies.values():
            policy.close()
        for agent in self.multi_rounds.values():
            agent.close()
        await self.upstream.close()


def kind_of(run: Path) -> Kind:
    """What a folder holds; what is neither a policy's nor a multi-round run is to be a router's."""
    if (run / "policy").is_dir():
        return "policy"
    return "multi_round" if is_multi_round(RunFolder(run)) else "router"


def open_new(run: Path, what: str, specs: Mapping[str, ModelSpec], job: ServeJob) -> ServedRouter:
    """A router on trial. RecipeError for a run that does not decide on one model."""
    if kind_of(run) != "router":
        raise RecipeError(
            f"{what} is {run}, which asks models itself: only a router that decides can be tried beside one"
        )
    served = ServedRouter(run.name, router_folder(run), specs, processes=job.scorers)
    if served.router.is_cascade:
        raise RecipeError(f"{what} is {run}, a cascade: what its later calls come to is in no log of single decisions")
    return served


def open_policies(job: ServeJob, specs: Mapping[str, ModelSpec]) -> dict[str, ServedPolicy]:
    runs = {name: run for name, run in job.routers.items() if kind_of(run) == "policy"}
    if stray := sorted(set(job.engines) - set(runs)):
        raise RecipeError(f"engines.{stray[0]} hosts no policy of this gateway: {', '.join(runs) or 'it serves none'}")
    if not runs:
        return {}
    from rl_router.serving.policy import ServedPolicy  # with torch

    asked = specs if job.backend != "simulated" else None
    return {name: ServedPolicy(name, run, asked, job.engines.get(name)) for name, run in runs.items()}


def open_upstream(job: ServeJob, specs: Mapping[str, ModelSpec], environment: Mapping[str, str]) -> Upstream:
    match job.backend:
        case "simulated":
            return SimulatedUpstream(specs.values())
        case "litellm":
            from rl_router.serving.litellm_upstream import LiteLLMUpstream  # with litellm

            return LiteLLMUpstream(specs.values(), environment)
        case "http":
            return HttpUpstream(specs.values(), environment)


def specs_of(job: ServeJob) -> tuple[ModelSpec, ...]:
    if job.backend == "simulated":
        specs = load_specs(pool_path(job.pool))
        return tuple(s for s in specs if job.models is None or s.name in job.models)
    client: Literal["openai", "litellm"] = "litellm" if job.backend == "litellm" else "openai"
    return LivePool(file=job.pool, models=job.models, endpoint=job.endpoint, mode="live", client=client).specs()


def router_folder(run: Path) -> Path:
    """The router of a run folder, or a folder that a router was saved in."""
    for folder in (run / "router", run):
        if (folder / "router.json").is_file():
            return folder
    raise CheckpointError(f"expected the run of a classical router at {run}, found none: train one first")
