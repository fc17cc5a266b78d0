"""What several routers read off the same texts is read once, as long as they are judged one after the other.

Routers that were fitted on the same table count the same words: of the time that a row of TF-IDF routers takes, most
goes into counting them again. Outside `read_once` nothing is kept, so that serving remembers no text.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

_FOUND: ContextVar[dict[Hashable, Any] | None] = ContextVar("read_once", default=None)

T = TypeVar("T")


@contextmanager
def read_once() -> Iterator[None]:
    """What is `read` in here stays in memory until the end of the block."""
    token = _FOUND.set({})
    try:
        yield
    finally:
        _FOUND.reset(token)


def read(key: Callable[[], Hashable], make: Callable[[], T]) -> T:
    """`make()`, or what it gave for an equal key. Nobody may change it: others read the same."""
    found = _FOUND.get()
    if found is None:
        return make()
    known = key()
    if known not in found:
        found[known] = make()
    value: T = found[known]
    return value
