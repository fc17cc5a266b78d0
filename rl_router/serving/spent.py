"""What each account has spent in all, shared by processes and kept over restarts: one small SQLite file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rl_router.pool.sqlite_file import SqliteFile

SCHEMA = "CREATE TABLE IF NOT EXISTS spent (account TEXT PRIMARY KEY, cost_usd REAL NOT NULL)"
ADD = """
INSERT INTO spent VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET cost_usd = cost_usd + excluded.cost_usd
RETURNING cost_usd
"""


class SpentFile:
    """Names and sums alone; no key is in it."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, SCHEMA)
        self._known: dict[str, float] = {}

    def share(self, spent_usd: Mapping[str, float]) -> dict[str, float]:
        """Add what these accounts have spent here since the last time; what each has spent in all."""
        for name, total_usd in spent_usd.items():
            new_usd = total_usd - self._known.get(name, 0.0)
            self._known[name] = float(self._file.rows(ADD, (name, new_usd))[0][0])
        return dict(self._known)

    def close(self) -> None:
        self._file.close()
