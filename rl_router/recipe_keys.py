"""Every key that a tree of dataclasses takes, as it is written in an override: `algorithm.group_size`.

A mapping from names that people choose to dataclasses is written with NAME: `benchmarks.NAME.train`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints


def known_keys(kind: Any, prefix: str = "") -> list[str]:
    """Without repeats, in the order of the fields; a union of dataclasses offers the keys of each member."""
    keys: dict[str, None] = {}
    generic = get_origin(kind) or kind
    hints = get_type_hints(generic, include_extras=True)
    meant = dict(zip(getattr(generic, "__parameters__", ()), get_args(kind), strict=True))
    for field in dataclasses.fields(generic):
        if not field.init:
            continue
        keys[prefix + field.name] = None
        hint = hints[field.name]
        hint = meant[hint] if isinstance(hint, TypeVar) else hint
        for member in _dataclasses_in(hint):
            named = "NAME." if _is_mapping(hint) else ""
            keys |= dict.fromkeys(known_keys(member, f"{prefix}{field.name}.{named}"))
    return list(keys)


def _is_mapping(hint: Any) -> bool:
    origin = get_origin(get_args(hint)[0] if get_origin(hint) is Annotated else hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _dataclasses_in(hint: Any) -> Iterator[type]:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        yield hint
    elif get_origin(hint) is Annotated:
        yield from _dataclasses_in(get_args(hint)[0])
    else:
        for member in get_args(hint):
            yield from _dataclasses_in(member)
