"""The command behind evaluation/benchmark_collect.py: measure, then a table for people or JSON for programs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rl_router.evaluation.speed.collect_cost import CALLERS, Speed, measure
from rl_router.observe.console import StepProgress


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Throughput of collect and CPU per call, beside bare httpx.")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 16, 64, 128, 256], help="calls at once")
    parser.add_argument("--latency-s", type=float, default=0.05, help="what the server takes for a reply")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement, at ideal speed")
    parser.add_argument("--callers", nargs="+", choices=CALLERS, default=list(CALLERS))
    parser.add_argument("--server-processes", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(arguments)
    found = []
    measurements = len(args.in_flight) * len(args.callers)
    with StepProgress("measurements", measurements, every=1, describe=_of_ideal) as progress:
        for speed in measure(
            args.in_flight, latency_s=args.latency_s, seconds=args.seconds, callers=args.callers,
            processes=args.server_processes,
        ):  # fmt: skip
            found.append(speed)
            progress.update(len(found), asdict(speed))
    print(json.dumps([asdict(speed) for speed in found], indent=2) if args.json else table(found))


def table(found: Sequence[Speed]) -> str:
    lines = ["in flight  caller    calls   calls/s  of ideal  CPU µs/call"]
    for speed in found:
        lines.append(
            f"{speed.in_flight:>9}  {speed.caller:<8}{speed.calls:>7}{speed.calls_per_s:>10.0f}"
            f"{speed.share_of_ideal:>9.0%}{speed.cpu_us_per_call:>13.0f}"
        )
    return "\n".join(lines)


def _of_ideal(speed: Mapping[str, Any]) -> str:
    return f"{speed['caller']} with {speed['in_flight']} in flight: {speed['share_of_ideal']:.0%} of ideal"
