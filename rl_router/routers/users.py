"""What routers that know their users share: who asked each query of a table, and how more of the same is added.

A query's user is `meta["user"]` (`rl_router.data.interactions`); nobody is the user ''.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rl_router.data.interactions import user_of
from rl_router.errors import UnknownModelError
from rl_router.routers.observations import Observations
from rl_router.types import Query


def users_in(observed: Observations) -> tuple[tuple[str, ...], np.ndarray]:
    """(users by name, [n] the place of each query's user; -1 for nobody)."""
    names = [user_of(query) for query in observed.queries]
    known = tuple(sorted(set(names) - {""}))
    return known, places(names, known)


def places(names: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """[n] where each name is among those known, -1 where it is not."""
    index = {name: i for i, name in enumerate(known)}
    return np.array([index.get(name, -1) for name in names], dtype=int)


def users_of(queries: Sequence[Query], known: Sequence[str]) -> np.ndarray:
    """[n] -1 for nobody and for a user of whom nothing is known."""
    return places([user_of(query) for query in queries], known)


def check_known(observed: Observations, models: Sequence[str]) -> None:
    """UnknownModelError when a model was rated that is none of `models`."""
    new = sorted(set(observed.models) - set(models))
    if new:
        raise UnknownModelError(f"this router knows nothing of {new[0]!r}; fit it on a table that has that model")


def added_up(
    users: Sequence[str], values: Sequence[np.ndarray], more: Sequence[str], more_values: Sequence[np.ndarray]
) -> tuple[tuple[str, ...], tuple[np.ndarray, ...]]:
    """All users by name, and the sums of what is said of each in both; rows of `values` are `users`."""
    names = tuple(sorted({*users, *more}))
    sums = tuple(np.zeros((len(names), *value.shape[1:])) for value in values)
    for who, parts in ((users, values), (more, more_values)):
        for total, part in zip(sums, parts, strict=True):
            total[places(who, names)] += part
    return names, sums
