"""Outcomes in memory instead of a file, for a simulation that is begun anew when it is killed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rl_router.errors import DataError
from rl_router.online.outcome import Outcome
from rl_router.online.store import Decided


class KeptInMemory:
    """Of one process; it leaves no snapshots."""

    def __init__(self) -> None:
        self._decided: dict[str, Decided] = {}
        self._outcomes: list[Outcome] = []
        self._told: set[tuple[str, str]] = set()

    def decided(self, decisions: Sequence[Decided]) -> None:
        for decision in decisions:
            if decision.decision_id in self._decided:
                raise DataError(f"the decision {decision.decision_id!r} is there already; give each request its own id")
            self._decided[decision.decision_id] = decision

    def happened(
        self, decision_id: str, *, quality: float | None = None, cost_usd: float | None = None
    ) -> tuple[str, ...]:
        decision = self._decided[decision_id]
        new = []
        for name, value in (("quality", quality), ("cost_usd", cost_usd)):
            if value is None or (decision_id, name) in self._told:
                continue
            self._told.add((decision_id, name))
            self._outcomes.append(
                Outcome(
                    model=decision.model,
                    features=decision.features,
                    expected_quality=decision.expected_quality,
                    expected_cost_usd=decision.expected_cost_usd,
                    **{name: value},
                )
            )
            new.append(name)
        return tuple(new)

    def outcomes(self, after: int) -> Iterator[tuple[int, Outcome]]:
        yield from enumerate(self._outcomes[after:], start=after + 1)

    def snapshot(self, settings: str) -> None:
        return None

    def keep_snapshot(self, settings: str, seq: int, state: bytes) -> None:
        return None
