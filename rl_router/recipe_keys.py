"""Every key that a tree of dataclasses takes, as it is written in an override: `algorithm.group_size`.

A mapping from names that people choose to dataclasses is written with NAME: `benchmarks.NAME.train`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints


def known_keys(kind: type, prefix: str = "") -> list[str]:
    """Without repeats, in the order of the fields; a union of dataclasses offers the keys of each member."""
    keys: dict[str, None] = {}
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        keys[prefix + field.name] = None
        for member in _dataclasses_in(hints[field.name]):
            named = "NAME." if _is_mapping(hints[field.name]) else ""
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
