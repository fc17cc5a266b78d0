"""Every router on the same files as one table: each is measured in a process of its own, once, and kept as a line.

A command that was killed goes on where it ended: what is in results.jsonl is not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rl_router.errors import RecipeError, RouterError
from rl_router.evaluation.speed.router_run import RouterRun
from rl_router.observe.console import say
from rl_router.observe.files import append_lines, read_lines, write_text
from rl_router.routers.registry import BUILT_IN, entry

DENSE = "knn features=hashing:384"
"""Nearest neighbours over dense vectors, as a sentence encoder makes them, without the time of one."""
TUNED = ("bert", "causal_lm")
"""Fine-tuned ones take a model of one's own: they are measured when named."""


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        rows = measure_all(args)
    except RouterError as error:
        say(f"benchmark_routers: {error}")
        return error.exit_code
    print(json.dumps(rows, indent=2) if args.json else (speed_markdown if args.speed else markdown)(rows))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Fit every router on the same table; time, memory, quality and cost.")
    parser.add_argument("data", nargs="?", help="a routing table, or synthetic:QUERIESxMODELS")
    parser.add_argument("--scale", action="store_true", help="the same as synthetic:100000x20")
    parser.add_argument("--speed", action="store_true", help="time alone, on synthetic:36000x10 or the table given")
    parser.add_argument("--routers", nargs="+", metavar="ROUTER", help="'ridge', or 'ridge strength=20' (default: all)")
    parser.add_argument("--fit-split", default="train")
    parser.add_argument("--test-split", default="test")
    parser.add_argument("--left-out", metavar="FILE", help="a JSON list of ids that are not tested on")
    parser.add_argument("--seeds", type=int, default=1, help="fits of each router in which something is drawn (1)")
    parser.add_argument("--limit-s", type=float, default=600.0, help="seconds that one fit and its test may take (600)")
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmark_routers"), help="where results.jsonl lies")
    parser.add_argument("--json", action="store_true")
    return parser


def measure_all(args: argparse.Namespace) -> list[dict[str, Any]]:
    if args.scale and (args.data or args.speed):
        raise RecipeError("--scale has a table of its own: leave the other out")
    data = args.data or ("synthetic:100000x20" if args.scale else "synthetic:36000x10" if args.speed else None)
    if data is None:
        raise RecipeError("expected a routing table, --speed or --scale")
    data = data if data.startswith("synthetic:") else str(Path(data).expanduser().absolute())
    names = args.routers or [found.name for found in BUILT_IN if found.name not in TUNED]
    if args.speed and not args.routers:
        names.insert(1, DENSE)
    results = args.folder / "results.jsonl"
    rows = []
    for number, name in enumerate(names, start=1):
        values = parse(name)
        for seed in range(args.seeds):
            run = RouterRun(
                router=values,
                data=data,
                fit_split=args.fit_split,
                test_split=args.test_split,
                seed=seed,
                left_out=args.left_out,
            )
            row = _kept(results, run) or _measured(results, run, args.limit_s)
            done = row.get("error") or f"{row['fit_cpu_s']:.2f} s of one core"
            say(f"{number}/{len(names)} {name}, seed {seed}: {done}")
            rows.append({"name": name, **row})
            if not row.get("seeded"):
                break  # nothing in it is drawn: another seed is the same router
    write_text(args.folder / "table.md", (speed_markdown if args.speed else markdown)(rows) + "\n")
    return rows


def parse(text: str) -> dict[str, Any]:
    """`ridge strength=20` as {"kind": "ridge", "strength": 20}."""
    kind, *changes = text.split()
    entry(kind)
    values = {"kind": kind}
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise RecipeError(f"expected 'ROUTER key=value …', got {text!r}")
        values[key] = yaml.safe_load(value)
    return values


def _kept(results: Path, run: RouterRun) -> dict[str, Any] | None:
    lines = [row for row in read_lines(results) if row["run"] == json.loads(json.dumps(asdict(run)))]
    return lines[-1] if lines else None


def _measured(results: Path, run: RouterRun, limit_s: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "rl_router.evaluation.speed.router_run", json.dumps(asdict(run))]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # one core
    environment = {**os.environ, **threads, "RL_ROUTER_TRACEBACK": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, env=environment)
        lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
        row = json.loads(lines[-1]) if done.returncode == 0 else {"error": (lines or ["it was killed"])[-1][:300]}
    except subprocess.TimeoutExpired:
        row = {"error": f"not done after {limit_s:g} s"}
    row = {"run": asdict(run), **row}
    append_lines(results, [row])
    return row


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """One line per router; of several seeds the mean, with the standard error of quality."""
    lines = [
        "| router | quality | macro | cost µ$ | best quality under half its cost | fit CPU s | one ms | batch ms"
        " | of it encoder | peak GB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["name"]].append(row)
    for name, group in groups.items():
        good = [row for row in group if "error" not in row]
        if not good:
            lines.append(f"| {name} | {group[-1]['error']} |" + " |" * 8)
            continue
        firsts = [row["frontier"][0] for row in good]
        cells = [
            name,
            _percent([first["quality"] for first in firsts]),
            _percent([first["macro"] for first in firsts]),
            _number([first["cost_usd"] for first in firsts], 1e6, 0),
            _cheaper(good),
            *(_number([row[key] for row in good], 1, 2) for key in ("fit_cpu_s", "single_ms", "batch_ms")),
            _number([row["batch_encoder_ms"] for row in good], 1, 2),
            _number([row["peak_rss_bytes"] for row in good], 1e-9, 2),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def speed_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """One line per router: milliseconds of one core for a routed query, and how many of them are the encoder's."""
    keys = ("single_ms", "single_encoder_ms", "batch_ms", "batch_encoder_ms")
    lines = [
        "| router | one query ms | of it encoder | in 1,000 ms | of it encoder | fit CPU s |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        if "error" in row:
            lines.append(f"| {row['name']} | {row['error']} |" + " |" * 4)
            continue
        cells = [row["name"], *(_number([row[key]], 1, 3) for key in keys), _number([row["fit_cpu_s"]], 1, 1)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cheaper(rows: Sequence[dict[str, Any]]) -> str:
    """The best point of each frontier that costs less than half of its dearest, as `quality @ µ$`."""
    points = []
    for row in rows:
        dearest = max((point["cost_usd"] or 0.0) for point in row["frontier"])
        cheap = [point for point in row["frontier"] if point["cost_usd"] and point["cost_usd"] < dearest / 2]
        points += [max(cheap, key=lambda point: point["quality"])] if cheap else []
    if not points:
        return "–"
    return f"{_percent([p['quality'] for p in points])} @ {_number([p['cost_usd'] for p in points], 1e6, 0)}"


def _percent(values: Sequence[float]) -> str:
    spread = f" ± {100 * np.std(values, ddof=1) / len(values) ** 0.5:.2f}" if len(values) > 1 else ""
    return f"{100 * np.mean(values):.2f}{spread}"


def _number(values: Sequence[float | None], unit: float, digits: int) -> str:
    known = [value for value in values if value is not None]
    return f"{unit * np.mean(known):.{digits}f}" if known else "–"
