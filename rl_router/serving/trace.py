"""What one request came to: every call with its price, and the views of it that a client, a log and a metric get."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from rl_router.pool.ledger import Charge, Ledger
from rl_router.pool.spec import ModelSpec
from rl_router.serving.accounts import ANYBODY, Account
from rl_router.serving.inbound import Header
from rl_router.serving.routing import Choice
from rl_router.types import CallStatus, Usage

NANO = 9
"""Decimals of a price in USD: a thousandth of a millionth, so that a sum of many still holds to the millionth."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallRecord:
    """One call, or one that a circuit breaker did not let out (`status` "skipped")."""

    model: str
    status: str
    latency_s: float = 0.0
    cost_usd: float | None = 0.0
    """None: it may have been billed, and nobody can say how much."""
    usage: Usage = Usage()
    http_status: int | None = None
    query: str | None = None
    """What a policy asked, where that is not the request itself."""

    @property
    def view(self) -> dict[str, Any]:
        view = {
            "model": self.model,
            "status": self.status,
            "latency_s": round(self.latency_s, 6),
            "cost_usd": self.cost_usd if self.cost_usd is None else round(self.cost_usd, NANO),
            "prompt_tokens": self.usage.prompt_tokens,
            "cached_tokens": self.usage.cached_tokens,
            "completion_tokens": self.usage.completion_tokens,
        }
        return view if self.query is None else {**view, "query": self.query}


def record_of_charge(charge: Charge, query: str | None = None) -> CallRecord:
    """A call of which only the ledger knows."""
    return CallRecord(
        model=charge.model, status=charge.status.value, usage=charge.usage, query=query,
        cost_usd=charge.cost_usd if charge.usage_known else None,
    )  # fmt: skip


@dataclass(slots=True)
class Trace:
    """Filled as the request goes on. `choice` is None until somebody has chosen."""

    request_id: str
    endpoint: str
    account: Account = ANYBODY
    is_logged: bool = False
    settled: bool = False
    asked_model: str = ""
    stream: bool = False
    began_s: float = field(default_factory=time.perf_counter)
    began_at: float = field(default_factory=time.time)
    text: str = ""
    user: str | None = None
    choice: Choice | None = None
    calls: list[CallRecord] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    model_used: str | None = None
    turns: int = 0
    stop: str | None = None
    first_byte_s: float | None = None
    http_status: int = 0
    outcome: str = "error"

    def failed(
        self, spec: ModelSpec, status: CallStatus, latency_s: float, *, http_status: int | None = None,
        billed_unknown: bool = False, usage: Usage | None = None,
    ) -> None:  # fmt: skip
        """A call without an answer. It costs what its `usage` says, nothing if it was refused, else nobody knows."""
        self._charge(spec, status, latency_s, usage, not billed_unknown or usage is not None, http_status)

    def answered(self, spec: ModelSpec, latency_s: float, usage: Usage | None, http_status: int = 200) -> None:
        self.model_used = spec.name
        self._charge(spec, CallStatus.OK, latency_s, usage, usage is not None, http_status)

    def skipped(self, model: str) -> None:
        self.calls.append(CallRecord(model=model, status="skipped"))

    def _charge(
        self, spec: ModelSpec, status: CallStatus, latency_s: float, usage: Usage | None, known: bool,
        http_status: int | None,
    ) -> None:  # fmt: skip
        cost_usd = spec.price(usage) if usage is not None else 0.0
        usage = usage or Usage()
        self.ledger.charge(model=spec.name, usage=usage, cost_usd=cost_usd, status=status, usage_known=known)
        self.calls.append(
            CallRecord(
                model=spec.name,
                status=status.value,
                latency_s=latency_s,
                cost_usd=cost_usd if known else None,
                usage=usage,
                http_status=http_status,
            )  # fmt: skip
        )

    @property
    def cost_usd(self) -> float:
        return self.ledger.cost_usd

    @property
    def cost_known(self) -> bool:
        return all(charge.usage_known for charge in self.ledger.charges)

    @property
    def router_cost_usd(self) -> float:
        return sum(charge.cost_usd for charge in self.ledger.charges if charge.purpose == "router")

    def metadata(self) -> dict[str, Any]:
        """The first eight are xRouter's keys, with its meaning; the others are ours."""
        total, router = self.cost_usd, self.router_cost_usd
        view: dict[str, Any] = {
            "model_used": self.model_used,
            "total_cost": round(total, NANO),
            "router_cost": round(router, NANO),
            "target_models_cost": round(total - router, NANO),
            "total_time": round(time.perf_counter() - self.began_s, 6),
            "routing_strategy": self.choice.strategy if self.choice else None,
            "call_history": [call.view for call in self.calls],
            "turns_used": self.turns,
            "request_id": self.request_id,
            "cost_known": self.cost_known,
            "cost_weight": self.choice.cost_weight if self.choice else None,
        }
        if self.stop is not None:
            view["stop"] = self.stop
        choice = self.choice
        if choice is not None and choice.decision is not None:
            decision = choice.decision
            view |= {
                "decided": decision.model,
                "reason": "the conversation keeps its model" if choice.kept else decision.reason,
                **({"arm": choice.arm} if choice.arm else {}),
                "propensity": decision.propensity,
                "predicted_quality": decision.scores,
                "predicted_cost_usd": decision.predicted_cost_usd,
            }
        return view

    def headers(self) -> list[Header]:
        """What is known when an answer begins; a stream says its cost in its last event."""
        strategy = self.choice.strategy if self.choice else ""
        found = [
            (b"x-router-model-used", ascii_bytes(self.model_used or "")),
            (b"x-router-strategy", ascii_bytes(strategy)),
            (b"x-router-calls", b"%d" % len(self.calls)),
        ]
        if not self.stream or self.outcome != "ok":
            found.append((b"x-router-total-cost", b"%.9f" % self.cost_usd))
            found.append((b"x-router-total-time", b"%.6f" % (time.perf_counter() - self.began_s)))
        return found


def ascii_bytes(text: str) -> bytes:
    return text.encode("ascii", "replace").replace(b"\r", b" ").replace(b"\n", b" ")
