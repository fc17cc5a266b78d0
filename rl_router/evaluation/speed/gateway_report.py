"""The command behind evaluation/benchmark_gateway.py: measure, then a table for people or JSON for programs."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rl_router.evaluation.speed.gateway_cost import GatewaySpeed, measure
from rl_router.evaluation.speed.gateways import GRADED, litellm, ours, routellm
from rl_router.observe.console import say


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="CPU per request and throughput of gateways, in one run.")
    parser.add_argument("--litellm", type=Path, metavar="PYTHON", help="an interpreter that has litellm[proxy]")
    parser.add_argument("--routellm", type=Path, metavar="FOLDER", help="where routellm is installed (pip --target)")
    parser.add_argument("--graded", type=int, default=GRADED, help="queries that our kNN looks through")
    parser.add_argument("--requests", type=int, default=300, help="of each kind in each round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=30, help="pieces of text in a stream")
    parser.add_argument("--gap-s", type=float, default=0.001, help="between two pieces")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contenders = [ours(folder, graded=args.graded)]
        contenders += [litellm(args.litellm)] if args.litellm else []
        contenders += [routellm(args.routellm)] if args.routellm else []
        found = measure(
            contenders, requests=args.requests, connections=args.connections, rounds=args.rounds, events=args.events,
            gap_s=args.gap_s, folder=folder, say=say,
        )  # fmt: skip
    print(json.dumps([asdict(speed) for speed in found], indent=2) if args.json else table(found))
    if any(speed.failures for speed in found):
        sys.exit(1)


def table(found: Sequence[GatewaySpeed]) -> str:
    lines = ["gateway    kind    CPU ms  of ours  req/s  req/s a core   p50 ms   p99 ms  failed"]
    own = {speed.stream: speed.cpu_ms for speed in found if speed.gateway == "rl-router"}
    for speed in found:
        lines.append(
            f"{speed.gateway:<11}{'stream' if speed.stream else 'whole':<8}{speed.cpu_ms:>6.2f}"
            f"{speed.cpu_ms / own[speed.stream]:>8.1f}x{speed.requests_per_s:>7.0f}{speed.requests_per_core_s:>14.0f}"
            f"{speed.p50_ms:>9.0f}{speed.p99_ms:>9.0f}{speed.failures:>8}"
        )
    return "\n".join(lines)
