"""Every router by name. What is said of them here needs no import, so that listing loads neither torch nor sklearn."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from rl_router.errors import RecipeError

if TYPE_CHECKING:
    from rl_router.routers.router import Router

Family = Literal["fixed", "lookup", "neighbours", "linear", "rating", "clusters", "neural", "cascade", "mixture", "plugin"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`path` is "module:Class". `needs` says what a router wants beyond scores: "torch", "costs", "responses" …"""

    name: str
    path: str
    family: Family
    description: str
    trainable: bool = True
    needs: tuple[str, ...] = ()


_HERE = "rl_router.routers"

BUILT_IN: tuple[Entry, ...] = (
    Entry(
        name="knn",
        path=f"{_HERE}.knn:Knn",
        family="neighbours",
        description="the mean score of each model on the k most similar queries",
    ),
)


def entries() -> dict[str, Entry]:
    """By name, in the order of a listing."""
    return {entry.name: entry for entry in BUILT_IN}


def entry(name: str) -> Entry:
    known = entries()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise RecipeError(f"unknown router {name!r}{hint}; there are {', '.join(known)}")
    return known[name]


def router_class(name: str) -> type[Router]:
    """The class of a router, imported now. RecipeError for a name that nobody registered."""
    module, _, attribute = entry(name).path.partition(":")
    found: type[Router] = getattr(import_module(module), attribute)
    return found
