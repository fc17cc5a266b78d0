"""Chance that depends on what it is for and on nothing else: one generator per question, portion or sample."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from hashlib import sha256
from typing import TypeVar

Item = TypeVar("Item")


def chance(seed: int, *about: str | int) -> random.Random:
    """The same generator for the same seed and subject, in every process."""
    digest = sha256(json.dumps([seed, *about]).encode()).digest()
    return random.Random(int.from_bytes(digest[:16], "big"))


def shuffled(items: Iterable[tuple[str, Item]], seed: int, purpose: str) -> list[Item]:
    """The items by the hash of their ids: which come first does not depend on how they were ordered or read."""
    keyed = ((sha256(json.dumps([seed, purpose, item_id]).encode()).digest(), item) for item_id, item in items)
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]
