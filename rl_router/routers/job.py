"""A classical training job: a table, a scorer, a rule and a learner, as one frozen value that goes to JSON and back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter

from rl_router.errors import CheckpointError, RecipeError
from rl_router.pool.spec import ModelSpec, anchored, load_specs, pool_path
from rl_router.routers.learned import dumped_parameters
from rl_router.routers.learners import AnyLearner, Supervised
from rl_router.routers.pairing import check_pairing
from rl_router.routers.registry import router_class
from rl_router.routers.router import Router
from rl_router.routers.rules import AnyRule, Argmax

_FORBID: ConfigDict = {"extra": "forbid"}
R = TypeVar("R", bound=Router)
CostWeight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Which of the table's splits to fit and to test on. `fit: null` is every row; `test: null` holds out that share of
    the queries to fit on, by a hash of their ids."""

    __pydantic_config__: ClassVar[ConfigDict] = _FORBID
    fit: str | None = "train"
    test: str | None = "test"
    held_out: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2


@dataclass(frozen=True, kw_only=True)
class RouterJob(Generic[R]):
    """One router on one table. `prices` names a pool whose prices replace the recorded costs where tokens are known."""

    __pydantic_config__: ClassVar[ConfigDict] = _FORBID
    name: str
    run_dir: Path
    data: str
    seed: int = 0
    splits: Splits = field(default_factory=Splits)
    tasks: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    prices: str | None = None
    cost_weights: Annotated[tuple[CostWeight, ...], Field(min_length=1)] = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)
    router: R
    rule: AnyRule = field(default_factory=Argmax)
    learner: AnyLearner = field(default_factory=Supervised)

    def __post_init__(self) -> None:
        # A run may be evaluated from any folder.
        object.__setattr__(self, "data", str(Path(self.data).expanduser().absolute()))
        if self.prices is not None:
            object.__setattr__(self, "prices", anchored(self.prices))

    def price_list(self) -> tuple[ModelSpec, ...]:
        return () if self.prices is None else load_specs(pool_path(self.prices))


def router_job_type(values: dict[str, Any]) -> Any:
    """The type of the job that `values` describe: that of their router. RecipeError for a router, rule or learner that
    is unknown, or that do not go together."""
    kinds: dict[str, str] = {}
    for key, default in (("router", None), ("rule", "argmax"), ("learner", "supervised")):
        part = values.get(key, {})
        kind = part.get("kind", default) if isinstance(part, dict) else None
        if not isinstance(kind, str):
            raise RecipeError(f"expected {key}.kind to name a {key}, got {part!r}")
        kinds[key] = kind
    check_pairing(kinds["router"], kinds["rule"], kinds["learner"])
    return RouterJob[router_class(kinds["router"])]  # type: ignore[misc]


def router_job_from_dict(values: dict[str, Any]) -> RouterJob[Any]:
    job: RouterJob[Any] = TypeAdapter(router_job_type(values)).validate_python(values)
    return job


def router_job_to_dict(job: RouterJob[Any]) -> dict[str, Any]:
    return {
        "name": job.name,
        "run_dir": str(job.run_dir),
        "data": job.data,
        "seed": job.seed,
        "splits": asdict(job.splits),
        "tasks": job.tasks,
        "models": job.models,
        "prices": job.prices,
        "cost_weights": list(job.cost_weights),
        "router": dumped_parameters(job.router),
        "rule": dumped_parameters(job.rule),
        "learner": asdict(job.learner),
    }


def read_router_job(config_json: Path) -> RouterJob[Any]:
    """CheckpointError when the file is not the config.json of a classical run."""
    try:
        return router_job_from_dict(json.loads(config_json.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecipeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"expected the config of a router's run in {config_json}: {reason}") from None
