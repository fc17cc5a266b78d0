"""The log: one JSON line per request, written before the last byte of its answer goes out. No contents unless asked.

A line is one write to a file opened for appending: processes share the file, and a kill cannot tear what is written.
The fields that off-policy evaluation reads are those of `rl_router.evaluation.off_policy.log`; feedback, and what a
shadow decided, are lines of their own that name the request. A turn that kept its conversation's model was no decision.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from rl_router.errors import RunError
from rl_router.observe.files import mend
from rl_router.serving.json_bytes import dumps
from rl_router.serving.routing import Choice
from rl_router.serving.trace import NANO, Trace


class RequestLog:
    """`contents`: the request's text stands in its line too. Without a `path` nothing is written."""

    def __init__(self, path: Path | None, *, contents: bool) -> None:
        self._contents, self._file = contents, -1
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            mend(path)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        except OSError as error:
            raise RunError(f"the log {path} cannot be written ({error.strerror}): name another place") from None

    def write(self, trace: Trace) -> None:
        if self._file >= 0:
            os.write(self._file, dumps(line_of(trace, contents=self._contents)) + b"\n")

    def feedback(self, request_id: str, quality: float, at: float) -> None:
        if self._file >= 0:
            line = {"kind": "feedback", "query_id": request_id, "quality": quality, "time": round(at, 3)}
            os.write(self._file, dumps(line) + b"\n")

    def shadow(self, request_id: str, router: str, choice: Choice) -> None:
        """What a router would have decided that nobody acted on."""
        decision = choice.decision
        if self._file < 0 or decision is None:
            return
        line = {
            "kind": "shadow",
            "query_id": request_id,
            "router": router,
            "model": decision.model,
            "predicted_quality": decision.scores[decision.model],
            "predicted_cost_usd": decision.predicted_cost_usd.get(decision.model),
            "cost_weight": choice.cost_weight,
            "time": round(time.time(), 3),
        }
        os.write(self._file, dumps(line) + b"\n")

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def line_of(trace: Trace, *, contents: bool) -> dict[str, Any]:
    choice = trace.choice
    decision = choice.decision if choice is not None else None
    arms = choice.arms if choice is not None else {}
    model = decision.model if decision is not None else trace.model_used or trace.asked_model
    line: dict[str, Any] = {
        "kind": "request" if choice is None or decision is None or choice.kept else "decision",
        "query_id": trace.request_id,
        "query": trace.text if contents else "",
        "task": None,
        "candidates": list({**decision.scores, **dict.fromkeys(arms.values())}) if decision is not None else [model],
        "model": model,
        "propensity": decision.propensity if decision is not None else 1.0,
        "quality": None,
        "cost_usd": round(trace.cost_usd, NANO) if trace.cost_known else None,
        "time": round(trace.began_at, 3),
        "endpoint": trace.endpoint,
        "account": trace.account.name,
        "asked_model": trace.asked_model,
        "strategy": choice.strategy if choice is not None else None,
        "cost_weight": choice.cost_weight if choice is not None else None,
        "kept": choice.kept if choice is not None else False,
        "model_used": trace.model_used,
        "status": trace.http_status,
        "outcome": trace.outcome,
        "stop": trace.stop,
        "stream": trace.stream,
        "calls": [call.view for call in trace.calls],
        "first_byte_s": trace.first_byte_s if trace.first_byte_s is None else round(trace.first_byte_s, 6),
        "total_s": round(time.perf_counter() - trace.began_s, 6),
    }
    if choice is not None and choice.arm:
        line |= {"arm": choice.arm, "arms": dict(arms)}
    if decision is not None:
        line["scores"] = decision.scores
        line["predicted_cost_usd"] = decision.predicted_cost_usd
    if not contents:
        for call in line["calls"]:
            call.pop("query", None)
    return line
