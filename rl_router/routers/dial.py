"""Where a router's dial was set: `calibration.json` beside the router in its folder. The router itself stays as it is.

Remove the file and the setting is gone; fit the router anew and it goes too, because it was measured on the old one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from rl_router.errors import CheckpointError
from rl_router.observe.files import write_json
from rl_router.routers.folder import inside
from rl_router.routers.learned import reason_of

if TYPE_CHECKING:
    from rl_router.routers.router import Router

FILE = "calibration.json"
Goal = Literal["strong_pct", "budget_usd_per_1k", "quality_target"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Usd = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Where a dial was set, for which goal, and what it came to on the queries it was set on. None: not known.

    With a `threshold` the choice is between `strong` and `weak`, as in RouteLLM, whatever the router's own rule is.
    """

    __pydantic_config__ = {"extra": "forbid"}
    goal: Goal
    target: Annotated[float, Field(allow_inf_nan=False)]
    cost_weight: Usd
    threshold: Share | None = None
    strong: str | None = None
    weak: str | None = None
    strong_share: Share | None = None
    cost_usd_per_1k: Usd | None
    quality: Share | None
    queries: int
    measured: Literal["recorded", "predicted"]

    def __str__(self) -> str:
        return f"{self.goal.replace('_', ' ')} {self.target:g}"


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Whole or not at all, beside the router in `folder`."""
    write_json(folder / FILE, asdict(calibration))


def clear_calibration(folder: Path) -> bool:
    """Whether there was one."""
    there = (folder / FILE).is_file() or (folder / FILE).is_symlink()
    (folder / FILE).unlink(missing_ok=True)
    return there


def read_calibration(folder: Path, router: Router) -> Calibration | None:
    """What `write_calibration` wrote for `router`; None where nothing was. CheckpointError when it does not fit."""
    if not (folder / FILE).exists() and not (folder / FILE).is_symlink():
        return None
    try:
        found = TypeAdapter(Calibration).validate_python(_read(folder))
        _check(found, router)
    except (CheckpointError, ValidationError) as error:
        reason = reason_of(error).rstrip(".")
        raise CheckpointError(
            f"the calibration of the router in {folder} is refused: {reason}; remove it with `rl-router calibrate RUN"
            " --clear` and calibrate again"
        ) from None
    return found


def _read(folder: Path) -> Any:
    try:
        return json.loads(inside(folder, FILE).read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        raise CheckpointError(f"{FILE} is no whole JSON ({error})") from None


def _check(found: Calibration, router: Router) -> None:
    if (found.threshold is None) != (found.strong is None) or (found.strong is None) != (found.weak is None):
        raise CheckpointError("a threshold needs a strong and a weak model, and they a threshold")
    for name in (found.strong, found.weak):
        if name is not None and name not in router.models_:
            raise CheckpointError(f"{name!r} is no model of the router")
    if found.strong is not None and found.strong == found.weak:
        raise CheckpointError(f"{found.strong!r} is both the strong and the weak model")
