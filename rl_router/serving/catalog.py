"""What is served at one moment: models, routers, names and breakers. A reload makes a new one and swaps it in whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rl_router.errors import CheckpointError, RecipeError
from rl_router.pool.keys import Mask, all_keys
from rl_router.pool.live_pool import LivePool
from rl_router.pool.spec import ModelSpec, load_specs, pool_path
from rl_router.serving.breaker import Breaker
from rl_router.serving.http_upstream import HttpUpstream
from rl_router.serving.job import ServeJob
from rl_router.serving.names import Names
from rl_router.serving.routing import ServedRouter
from rl_router.serving.sessions import Sessions
from rl_router.serving.simulated_upstream import SimulatedUpstream
from rl_router.serving.upstream import Upstream


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Requests keep the catalog that they began with, to their end."""

    job: ServeJob
    specs: Mapping[str, ModelSpec]
    routers: Mapping[str, ServedRouter]
    names: Names
    breakers: Mapping[str, Breaker]
    sessions: Sessions | None
    upstream: Upstream
    mask: Mask

    @classmethod
    def open(cls, job: ServeJob, environment: Mapping[str, str]) -> Catalog:
        """Everything that a request could miss is refused here: models, prices, keys, routers."""
        specs = {spec.name: spec for spec in specs_of(job)}
        mask = Mask(all_keys(environment))
        upstream: Upstream
        if job.backend == "simulated":
            upstream = SimulatedUpstream(specs.values())
        else:
            upstream = HttpUpstream(specs.values(), environment)
        routers = {
            name: ServedRouter(name, router_folder(run), specs, processes=job.scorers)
            for name, run in job.routers.items()
        }
        default = job.default or next(iter(routers), None)
        if default is not None and default not in routers:
            raise RecipeError(f"default is {default!r}, and the routers are {', '.join(routers) or '(none)'}")
        kinds = dict.fromkeys(routers, "router")
        return cls(
            job=job,
            specs=specs,
            routers=routers,
            names=Names(kinds, default, specs),
            breakers={name: Breaker(job.breaker) for name in specs},
            sessions=Sessions(job.sticky, specs) if job.sticky is not None else None,
            upstream=upstream,
            mask=mask,
        )

    async def close(self) -> None:
        for router in self.routers.values():
            router.close()
        await self.upstream.close()


def specs_of(job: ServeJob) -> tuple[ModelSpec, ...]:
    if job.backend == "simulated":
        specs = load_specs(pool_path(job.pool))
        return tuple(s for s in specs if job.models is None or s.name in job.models)
    return LivePool(file=job.pool, models=job.models, endpoint=job.endpoint, mode="live").specs()


def router_folder(run: Path) -> Path:
    """The router of a run folder, or a folder that a router was saved in."""
    for folder in (run / "router", run):
        if (folder / "router.json").is_file():
            return folder
    raise CheckpointError(f"expected the run of a classical router at {run}, found none: train one first")
