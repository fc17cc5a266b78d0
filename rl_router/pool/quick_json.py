"""JSON at a tenth of the standard library's cost, by the serialiser of pydantic, which is here anyway.

It refuses half a surrogate pair, which models do write and the standard library passes on; those texts go that way.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json


def encoded(value: Any) -> bytes:
    """`value` as JSON in UTF-8; a dataclass is an object of its fields."""
    try:
        return to_json(value)
    except PydanticSerializationError:
        return json.dumps(value, default=asdict, separators=(",", ":")).encode()


def decoded(text: bytes | str) -> Any:
    """What a JSON text says; a ValueError or RecursionError where it is none."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)
