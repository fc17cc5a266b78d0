"""One worker's view of the outcomes: it folds in what the store has and it has not read yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from threading import Lock
from typing import Protocol

from rl_router.online.learner import Learner, Memory
from rl_router.online.outcome import Outcome
from rl_router.online.snapshot import from_bytes, to_bytes
from rl_router.online.store import Decided

SNAPSHOT_EVERY = 500
"""Outcomes between two snapshots: what a new worker has to fold in."""


class Outcomes(Protocol):
    """Where decisions and what came of them are kept, as `OutcomeStore` does."""

    def decided(self, decisions: Sequence[Decided]) -> None: ...

    def happened(
        self, decision_id: str, *, quality: float | None = None, cost_usd: float | None = None
    ) -> tuple[str, ...]: ...

    def outcomes(self, after: int) -> Iterator[tuple[int, Outcome]]: ...

    def snapshot(self, settings: str) -> tuple[int, bytes] | None: ...

    def keep_snapshot(self, settings: str, seq: int, state: bytes) -> None: ...


class Live:
    """`learner` as of the last `catch_up`. Snapshots are shared by workers of the same settings alone."""

    def __init__(self, store: Outcomes, *, memory: Memory, d: int, trust: dict[str, float]) -> None:
        self.store = store
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
