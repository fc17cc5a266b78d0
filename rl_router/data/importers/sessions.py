"""Sessions of users with the ratings they gave, as JSON lines: the format of `rl_router.data.interactions`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rl_router.data.importers.sources import files_in, json_lines
from rl_router.data.interactions import sessions_table
from rl_router.data.table import RoutingTable


def read_table(paths: Sequence[Path]) -> RoutingTable:
    files = files_in(paths, (".jsonl",), "JSON lines of sessions")
    sessions = ((f"line {number} of {file}", line) for file in files for number, line in json_lines(file))
    return sessions_table(sessions, where=f"sessions {paths[0]}")
