"""The names that a request may give as its model, and what each means here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from rl_router.errors import RecipeError
from rl_router.routers.calibration import parse_router_name
from rl_router.serving.errors import ApiError

AUTO = "auto"
PREFIX = "rl-router/"
TOOL_RL = "router-tool-rl"
Kind = Literal["router", "policy", "multi_round"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Exactly one of the four is set; `threshold` belongs to `router`. `is_auto`: no router was asked for by name."""

    router: str | None = None
    threshold: float | None = None
    policy: str | None = None
    multi_round: str | None = None
    model: str | None = None
    is_auto: bool = False

    @property
    def own(self) -> str:
        """What answers by itself, for a sentence about it."""
        return "a policy" if self.policy is not None else "a multi-round router"


class Names:
    """`kinds` says of each served name what it is."""

    def __init__(self, kinds: Mapping[str, Kind], default: str | None, models: Mapping[str, object]) -> None:
        self._kinds, self._default, self._models = kinds, default, models
        self._policy = next((name for name, kind in kinds.items() if kind == "policy"), None)

    def all(self) -> list[str]:
        own = [f"{PREFIX}{name}" for name in self._kinds]
        auto = [AUTO] if self._default is not None else []
        tool = [TOOL_RL] if self._policy is not None else []
        return [*auto, *own, *tool, *self._models]

    def target(self, name: object) -> Target:
        """ApiError with 404 for a name that means nothing here, 400 for none."""
        if not isinstance(name, str) or not name:
            raise ApiError(400, "expected model to be the name of a router or a model", param="model")
        if name in self._models:
            return Target(model=name)
        if name == AUTO and self._default is not None:
            return replace(self._served(self._default), is_auto=True)
        if name == TOOL_RL and self._policy is not None:
            return Target(policy=self._policy)
        if name.startswith(PREFIX) and name[len(PREFIX) :] in self._kinds:
            return self._served(name[len(PREFIX) :])
        try:
            pair = parse_router_name(name)
        except RecipeError as error:
            raise ApiError(400, str(error), param="model") from None
        if pair is not None and self._kinds.get(pair[0]) == "router":
            return Target(router=pair[0], threshold=pair[1])
        raise self._unknown(name)

    def _served(self, name: str) -> Target:
        match self._kinds[name]:
            case "router":
                return Target(router=name)
            case "policy":
                return Target(policy=name)
            case _:
                return Target(multi_round=name)

    def _unknown(self, name: str) -> ApiError:
        near = get_close_matches(name, self.all(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"GET /v1/models lists {len(self.all())} names."
        return ApiError(404, f"there is no model {name[:100]!r} here; {hint}", code="model_not_found", param="model")
