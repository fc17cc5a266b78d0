"""A router by the name that people give it: a run, a router's own folder, or RouteLLM's router-NAME-THRESHOLD."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from rl_router.errors import RecipeError
from rl_router.routers.calibration import as_calibrated, parse_router_name, with_threshold
from rl_router.routers.router import Router, load_router

RUNS = Path("runs")


@dataclass(frozen=True, kw_only=True)
class Named:
    """`folder` holds router.json. `threshold` is what router-NAME-THRESHOLD says."""

    folder: Path
    threshold: float | None = None

    @property
    def run(self) -> Path:
        """The run that the router is of, where it is of one."""
        return self.folder.parent


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A router as its name asks for it, and the cost weight to route at. `why` says in words who set its dial."""

    router: Router
    cost_weight: float
    why: str


def find_router(name: Path | str) -> Named | None:
    """None where `name` is no classical router. `router-knn-0.3` is the router of runs/knn, or of the folder `knn`."""
    path = Path(name).expanduser()
    if path.exists():
        folder = path if (path / "router.json").is_file() else path / "router"
        return Named(folder=folder) if folder.is_dir() else None
    found = parse_router_name(str(name))
    if found is None:
        return None
    base, threshold = found
    run = Path(base) if (Path(base) / "router").is_dir() else RUNS / base
    if not (run / "router").is_dir():
        raise RecipeError(f"{name} means the router of {run} with the threshold {threshold:g}, and there is none there")
    return Named(folder=run / "router", threshold=threshold)


def load_named(named: Named) -> Router:
    """With the threshold of its name, if that has one, and its calibration not applied."""
    router = load_router(named.folder)
    return router if named.threshold is None else with_threshold(router, named.threshold)


def open_router(named: Named, cost_weight: float | None = None) -> Opened:
    """As it is to be asked: a `cost_weight` that is given counts; else its name's threshold, else its calibration."""
    router = load_named(named)
    if cost_weight is not None:
        if not 0 <= cost_weight < math.inf:
            raise RecipeError(f"expected a --cost-weight of zero or more, got {cost_weight:g}")
        return Opened(router=router, cost_weight=cost_weight, why="as asked")
    if named.threshold is not None:
        return Opened(router=router, cost_weight=0.0, why=f"threshold {named.threshold:g}")
    router, weight = as_calibrated(router)
    why = "not calibrated" if router.calibration_ is None else f"calibrated: {router.calibration_}"
    return Opened(router=router, cost_weight=weight, why=why)
