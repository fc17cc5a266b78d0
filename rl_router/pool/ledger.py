"""A ledger, not a counter: every attempt is one charge, failed calls and the router's own tokens included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rl_router.types import CallStatus, Usage

Purpose = Literal["worker", "router"]


class Charge(NamedTuple):
    """One attempt. `cost_usd` is what the episode pays, `wallet_usd` what the bank account does (0 for a cache hit)."""

    model: str
    purpose: Purpose
    usage: Usage
    cost_usd: float
    wallet_usd: float
    status: CallStatus
    usage_known: bool = True
    """False when no token count came back: the provider may have billed this attempt, and nobody can say how much."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """The sum of some charges; `calls` counts every attempt."""

    calls: int
    usage: Usage
    cost_usd: float
    wallet_usd: float


class Ledger:
    """Append-only. Reward, metrics and response metadata all read it, so that they can never disagree."""

    def __init__(self) -> None:
        self._charges: list[Charge] = []
        self._wallet_usd = 0.0

    def charge(
        self,
        *,
        model: str,
        usage: Usage,
        cost_usd: float,
        purpose: Purpose = "worker",
        from_cache: bool = False,
        status: CallStatus = CallStatus.OK,
        usage_known: bool = True,
    ) -> Charge:
        """Append one attempt. A cache hit costs the episode its recorded price and the wallet nothing."""
        wallet_usd = 0.0 if from_cache else cost_usd
        charge = Charge(
            model=model, purpose=purpose, usage=usage, cost_usd=cost_usd, wallet_usd=wallet_usd, status=status,
            usage_known=usage_known,
        )  # fmt: skip
        self._charges.append(charge)
        self._wallet_usd += wallet_usd
        return charge

    @property
    def charges(self) -> tuple[Charge, ...]:
        return tuple(self._charges)

    @property
    def cost_usd(self) -> float:
        return sum(c.cost_usd for c in self._charges)

    @property
    def wallet_usd(self) -> float:
        return self._wallet_usd

    @property
    def usage(self) -> Usage:
        return sum((c.usage for c in self._charges), Usage())

    def by_model(self) -> dict[str, Total]:
        """Totals per model, in the order of first use."""
        names = dict.fromkeys(c.model for c in self._charges)
        return {name: _total(c for c in self._charges if c.model == name) for name in names}


def _total(charges: Iterable[Charge]) -> Total:
    rows = list(charges)
    return Total(
        calls=len(rows),
        usage=sum((c.usage for c in rows), Usage()),
        cost_usd=sum(c.cost_usd for c in rows),
        wallet_usd=sum(c.wallet_usd for c in rows),
    )
