"""Whether two things are the same: digests of folders, tables and settings that a resumed run is checked against."""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

from rl_router.evaluation.suite.arena import Arena, Side


def digest_of(folder: Path) -> str:
    """Of every file in a folder: it changes when a router is trained anew."""
    found = blake2b(digest_size=12)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.update(str(path.relative_to(folder)).encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def digest_of_arena(arena: Arena) -> str:
    """Of all that lines depend on: models, queries and what was recorded of them on both sides."""
    found = blake2b(json.dumps(arena.models).encode(), digest_size=12)
    for side in (arena.test, arena.fit):
        for part in _parts(side):
            found.update(part)
    return found.hexdigest()


def _parts(side: Side) -> list[bytes]:
    texts: list[Any] = [[query.query_id, query.text, query.task] for query in side.queries]
    return [json.dumps(texts).encode(), side.quality.tobytes(), side.cost_usd.tobytes(), side.truncated.tobytes()]
