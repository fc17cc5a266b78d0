"""Names that people write in recipes: each means one thing, and a misspelt one is answered with near names."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Generic, TypeVar

from rl_router.errors import DataError

T = TypeVar("T")

OURS = "rl_router"


class Registry(Generic[T]):
    """Values by name. `kind` says in errors what they are; `where` is the place in code that a name comes from."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._values: dict[str, T] = {}
        self._where: dict[str, str] = {}

    def add(self, name: str, value: T, where: str = OURS) -> None:
        if name in self._values:
            raise DataError(
                f"{where} defines the {self.kind} {name!r}, but {self._where[name]} did already; give it another name."
            )
        self._values[name] = value
        self._where[name] = where

    def remove(self, name: str) -> None:
        del self._values[name], self._where[name]

    def get(self, name: str) -> T:
        if name in self._values:
            return self._values[name]
        near = get_close_matches(name, self._values, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sorted(self._values))}."
        raise DataError(f"There is no {self.kind} {name!r}; {hint}")

    def is_ours(self, name: str) -> bool:
        """Whether the name came with rl_router."""
        return self._where[name] == OURS

    def file(self, name: str) -> Path | None:
        """The file of custom tasks that the name came from, None for what came with rl_router."""
        return None if self.is_ours(name) else Path(self._where[name].rpartition(":")[0])

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values))
