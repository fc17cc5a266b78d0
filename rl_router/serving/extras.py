"""What a request may say to the gateway beyond OpenAI's fields; it is taken out before the body goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rl_router.serving.errors import ApiError

OWN = ("cost_weight", "budget_usd", "allowed_models", "session_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class Extras:
    """`cost_weight` 0: only quality. `budget_usd` is the most that this request may be predicted to cost.

    `user` is OpenAI's own field and goes on; `session_id` names the conversation for clients that know it.
    """

    cost_weight: float | None = None
    budget_usd: float | None = None
    allowed_models: tuple[str, ...] | None = None
    session_id: str | None = None
    user: str | None = None


NOTHING = Extras()


def take_extras(body: dict[str, Any]) -> Extras:
    """Removes them from `body`. ApiError, with the name of the field, for one that has another type."""
    user = body.get("user")
    if not (user or any(name in body for name in OWN)):
        return NOTHING
    if user is not None and not isinstance(user, str):
        raise ApiError(400, f"expected user to be a text, got {_shown(user)}", param="user")
    return Extras(
        cost_weight=_number(body, "cost_weight"),
        budget_usd=_number(body, "budget_usd"),
        allowed_models=_names(body),
        session_id=_text(body, "session_id"),
        user=user,
    )


def _number(body: dict[str, Any], name: str) -> float | None:
    value = body.pop(name, None)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ApiError(400, f"expected {name} to be a number of zero or more, got {_shown(value)}", param=name)
    return float(value)


def _names(body: dict[str, Any]) -> tuple[str, ...] | None:
    value = body.pop("allowed_models", None)
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ApiError(
            400, f"expected allowed_models to be a list of model names, got {_shown(value)}", param="allowed_models"
        )
    return tuple(value)


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.pop(name, None)
    if value is not None and not isinstance(value, str):
        raise ApiError(400, f"expected {name} to be a text, got {_shown(value)}", param=name)
    return value


def _shown(value: object) -> str:
    return f"{type(value).__name__} {str(value)[:40]!r}" if not isinstance(value, Mapping | list) else "something else"
