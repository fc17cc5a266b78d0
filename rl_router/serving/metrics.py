"""Counters and histograms for Prometheus. Labels are names of the pool and of routers, never what a client wrote."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from rl_router.serving.trace import Trace

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """One per process; with several processes prometheus_client adds them up by way of PROMETHEUS_MULTIPROC_DIR."""

    def __init__(self, *, several: bool = False) -> None:
        self._several = several
        self._registry = registry = CollectorRegistry()
        prefix = "rl_router_"
        self._requests = Counter(
            f"{prefix}requests", "Requests by endpoint, strategy and status", ["endpoint", "strategy", "status"],
            registry=registry,
        )  # fmt: skip
        self._calls = Counter(f"{prefix}calls", "Calls by model and how they ended", ["model", "status"],
                              registry=registry)  # fmt: skip
        self._tokens = Counter(f"{prefix}tokens", "Tokens by model and kind", ["model", "kind"], registry=registry)
        self._cost = Counter(f"{prefix}cost_usd", "What was spent, in USD", ["model"], registry=registry)
        self._kept = Counter(f"{prefix}kept_conversations", "Turns that kept their model", registry=registry)
        self._feedback = Counter(f"{prefix}feedback", "Feedback by sign", ["sign"], registry=registry)
        self._shadow = Counter(f"{prefix}shadow_decisions", "Decisions of the shadow, beside those that counted",
                               ["result"], registry=registry)  # fmt: skip
        self._arm = Counter(f"{prefix}arm_requests", "Requests by arm of the canary and status", ["arm", "status"],
                            registry=registry)  # fmt: skip
        self._arm_usd = Counter(f"{prefix}arm_cost_usd", "What was spent by arm, in USD", ["arm"], registry=registry)
        self._arm_s = Histogram(f"{prefix}arm_seconds", "Request to last byte by arm", ["arm"], buckets=SECONDS,
                                registry=registry)  # fmt: skip
        self._arm_said = Counter(f"{prefix}arm_feedback", "Feedback by arm and sign", ["arm", "sign"],
                                 registry=registry)  # fmt: skip
        self._total = Histogram(f"{prefix}request_seconds", "Request to last byte", ["endpoint"], buckets=SECONDS,
                                registry=registry)  # fmt: skip
        self._first = Histogram(f"{prefix}first_byte_seconds", "Request to first byte of a stream", buckets=SECONDS,
                                registry=registry)  # fmt: skip
        self._call_s = Histogram(f"{prefix}call_seconds", "One call to a model", ["model"], buckets=SECONDS,
                                 registry=registry)  # fmt: skip
        self._running = Gauge(f"{prefix}running", "Requests that run", registry=registry,
                              multiprocess_mode="livesum")  # fmt: skip
        self._waiting = Gauge(f"{prefix}waiting", "Requests in line", registry=registry,
                              multiprocess_mode="livesum")  # fmt: skip

    def observe(self, trace: Trace) -> None:
        strategy = trace.choice.strategy.partition("@")[0] if trace.choice is not None else ""
        self._requests.labels(trace.endpoint, strategy, str(trace.http_status)).inc()
        self._total.labels(trace.endpoint).observe(time.perf_counter() - trace.began_s)
        if trace.first_byte_s is not None:
            self._first.observe(trace.first_byte_s)
        if trace.choice is not None and trace.choice.kept:
            self._kept.inc()
        if trace.choice is not None and trace.choice.arm:
            self._observe_arm(trace, trace.choice.arm)
        for call in trace.calls:
            self._calls.labels(call.model, call.status).inc()
            if call.status == "skipped":
                continue
            self._call_s.labels(call.model).observe(call.latency_s)
            usage = call.usage
            if usage.prompt_tokens or usage.completion_tokens:
                self._tokens.labels(call.model, "prompt").inc(usage.prompt_tokens)
                self._tokens.labels(call.model, "completion").inc(usage.completion_tokens)
            if call.cost_usd:
                self._cost.labels(call.model).inc(call.cost_usd)

    def _observe_arm(self, trace: Trace, arm: str) -> None:
        self._arm.labels(arm, str(trace.http_status)).inc()
        self._arm_usd.labels(arm).inc(trace.cost_usd)
        self._arm_s.labels(arm).observe(time.perf_counter() - trace.began_s)

    def feedback(self, quality: float, arm: str = "") -> None:
        sign = "up" if quality >= 0.5 else "down"
        self._feedback.labels(sign).inc()
        if arm:
            self._arm_said.labels(arm, sign).inc()

    def shadow(self, result: str) -> None:
        self._shadow.labels(result).inc()

    def text(self, *, running: int, waiting: int) -> bytes:
        self._running.set(running)
        self._waiting.set(waiting)
        if not self._several:
            return generate_latest(self._registry)
        everybody = CollectorRegistry()
        multiprocess.MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)
