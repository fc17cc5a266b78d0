"""One OpenTelemetry span per request, for whoever has configured a tracer. Nothing of a request's text is in it."""

from __future__ import annotations

import time
from typing import Any

from rl_router.errors import RecipeError
from rl_router.serving.trace import Trace

SECOND_NS = 1_000_000_000


class Spans:
    """Written when a request has ended, with its beginning as it was: nothing waits for an exporter."""

    def __init__(self) -> None:
        try:
            from opentelemetry import trace
        except ImportError:
            raise RecipeError(
                "telemetry=true needs an exporter and the extra 'telemetry': pip install 'rl-router[telemetry]'"
            ) from None
        self._tracer: Any = trace.get_tracer("rl_router")

    def write(self, trace: Trace) -> None:
        attributes = {
            "http.response.status_code": trace.http_status,
            "gen_ai.request.model": trace.asked_model,
            "gen_ai.response.model": trace.model_used or "",
            "gen_ai.usage.input_tokens": trace.ledger.usage.prompt_tokens,
            "gen_ai.usage.output_tokens": trace.ledger.usage.completion_tokens,
            "rl_router.strategy": trace.choice.strategy if trace.choice is not None else "",
            "rl_router.cost_usd": trace.cost_usd,
            "rl_router.calls": len(trace.calls),
            "rl_router.outcome": trace.outcome,
            "rl_router.request_id": trace.request_id,
        }
        began_ns = int(trace.began_at * SECOND_NS)
        span = self._tracer.start_span(f"POST {trace.endpoint}", start_time=began_ns, attributes=attributes)
        span.end(int(time.time() * SECOND_NS))
