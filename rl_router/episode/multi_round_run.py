"""A multi-round router as a recipe states it and a run folder keeps it: who splits, who chooses, whom both may ask.

Nothing is trained. The folder holds a copy of the router that chooses, so that it can be moved and served as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from rl_router.data.world import World
from rl_router.episode.multi_round import MOST_PARTS
from rl_router.errors import CheckpointError, PoolError, RecipeError
from rl_router.observe.files import read_json
from rl_router.observe.run_folder import RunFolder
from rl_router.pool.live_pool import LivePool
from rl_router.pool.pool import ModelPool
from rl_router.pool.simulated import SimulatedBackend
from rl_router.pool.spec import ModelSpec, anchored, load_specs, pool_path
from rl_router.routers.calibration import as_calibrated
from rl_router.routers.folder import JSON
from rl_router.routers.named import find_router, load_named
from rl_router.routers.router import Router, load_router

CHOOSER = "chooser"
"""The router's folder in the run: `router` would make it the run of a classical router."""


@dataclass(frozen=True, kw_only=True)
class MultiRoundJob:
    """`decomposer` is the model that splits questions. `chooser` is the run of a router that is fitted on a table and
    says whom to ask each part; without one the decomposer says that too. `pool` names the models and their prices;
    `backend: simulated` answers from the pool's simulation.
    """

    __pydantic_config__ = {"extra": "forbid"}
    name: str
    run_dir: Path
    pool: str
    backend: Literal["http", "simulated"] = "http"
    endpoint: str | None = None
    decomposer: str
    chooser: Path | None = None
    most_parts: Annotated[int, Field(ge=1)] = MOST_PARTS
    max_tokens: Annotated[int, Field(ge=1)] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "pool", anchored(self.pool))  # the run may be asked from any folder

    def live_pool(self) -> LivePool:
        return LivePool(file=self.pool, endpoint=self.endpoint, mode="live")

    def simulated_pool(self) -> ModelPool:
        return ModelPool(load_specs(pool_path(self.pool)), SimulatedBackend(World()))


@dataclass(frozen=True, kw_only=True)
class MultiRoundRun:
    """`cost_weight` is what the chooser was calibrated to."""

    path: Path
    job: MultiRoundJob
    chooser: Router | None
    cost_weight: float = 0.0

    @property
    def chooser_folder(self) -> Path:
        return self.path / CHOOSER


def write_multi_round(job: MultiRoundJob) -> None:
    """The run folder of `job`. What is wrong with its parts is said before anything is written."""
    folder = RunFolder(job.run_dir)
    if folder.config.is_file() and not is_multi_round(folder):
        raise CheckpointError(f"{folder.path} holds a run of another kind: name another folder with run_dir=…")
    specs = load_specs(pool_path(job.pool))
    check_models(job, specs)
    if job.chooser is not None:
        named = find_router(job.chooser)
        if named is None:
            raise RecipeError(f"expected chooser to be the run of a classical router, got {job.chooser}")
        router = load_named(named)
        check_chooser(router, specs, str(job.chooser))
        router.save(folder.path / CHOOSER)
    folder.write_config({key: str(value) if isinstance(value, Path) else value for key, value in asdict(job).items()})
    folder.write_versions()


def read_multi_round(path: Path) -> MultiRoundRun:
    folder = RunFolder.open(path)
    try:
        job: MultiRoundJob = TypeAdapter(MultiRoundJob).validate_python(read_json(folder.config))
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise CheckpointError(f"{folder.config} does not hold the config of a multi-round router: {reason}") from None
    if job.chooser is None:
        return MultiRoundRun(path=folder.path, job=job, chooser=None)
    if not (folder.path / CHOOSER / JSON).is_file():
        raise CheckpointError(f"expected the router that chooses in {folder.path / CHOOSER}: train the run again")
    router, weight = as_calibrated(load_router(folder.path / CHOOSER))
    return MultiRoundRun(path=folder.path, job=job, chooser=router, cost_weight=weight)


def is_multi_round(folder: RunFolder) -> bool:
    """Whether a run's config is that of a multi-round router."""
    try:
        config: Any = read_json(folder.config)
    except (OSError, CheckpointError):
        return False
    return isinstance(config, dict) and "decomposer" in config


def check_models(job: MultiRoundJob, specs: Sequence[ModelSpec]) -> None:
    names = [spec.name for spec in specs]
    if job.decomposer not in names:
        raise PoolError(f"decomposer is {job.decomposer!r}, and the pool has {', '.join(names)}: name one of these.")


def check_chooser(router: Router, specs: Sequence[ModelSpec], where: str) -> None:
    names = [spec.name for spec in specs]
    if not set(names) & set(router.models_):
        known = ", ".join(router.models_)
        raise PoolError(f"The router of {where} was fitted on {known}, and the pool has {', '.join(names)}.")
    if router.asks_to_judge or router.is_cascade:
        raise RecipeError(f"the router of {where} is a cascade, which does not say whom to ask a part: name another")


def with_pool(run: MultiRoundRun, live: LivePool) -> MultiRoundRun:
    """Asking the models of `live` instead. PoolError where they are not those that the run needs."""
    specs = live.specs()
    check_models(run.job, specs)
    if run.chooser is not None:
        check_chooser(run.chooser, specs, str(run.path))
    return replace(run, job=replace(run.job, pool=live.file, backend="http", endpoint=live.endpoint))
