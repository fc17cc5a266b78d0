"""One worker's view of the outcomes: it folds in what the store has and it has not read yet."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from threading import Lock

from rl_router.online.learner import Learner, Memory
from rl_router.online.snapshot import from_bytes, to_bytes
from rl_router.online.store import OutcomeStore

SNAPSHOT_EVERY = 500
"""Outcomes between two snapshots: what a new worker has to fold in."""


class Live:
    """`learner` as of the last `catch_up`. Snapshots are shared by workers of the same settings alone."""

    def __init__(self, path: Path, *, memory: Memory, d: int, trust: dict[str, float]) -> None:
        self.store = OutcomeStore(path)
        self._settings = json.dumps([asdict(memory), d, trust], sort_keys=True)
        self._lock = Lock()
        found = self.store.snapshot(self._settings)
        self.seq, self.learner = 0, Learner(memory=memory, d=d, trust=trust)
        if found is not None:
            self.seq, self.learner = found[0], from_bytes(found[1], memory, trust)
        self._kept = self.seq
        self.catch_up()

    def catch_up(self) -> int:
        """Fold in every outcome that any worker has acknowledged; how many there were."""
        with self._lock:
            count = 0
            for seq, outcome in self.store.outcomes(self.seq):
                self.learner.fold(outcome)
                self.seq, count = seq, count + 1
            if self.seq - self._kept >= SNAPSHOT_EVERY:
                self.store.keep_snapshot(self._settings, self.seq, to_bytes(self.learner))
                self._kept = self.seq
            return count
