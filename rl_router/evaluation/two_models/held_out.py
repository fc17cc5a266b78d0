"""Routers fitted on a part of a table's labels and judged on the rest of it, where a table has no split to train on.

RouteLLM's files are such: both models' grades on a benchmark, and nothing to learn from. Each seed holds out another
part of the questions. Beside the routers stand prompt length and what a few labels buy: logistic regression
on TF-IDF of the question, told where the strong model did better.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rl_router.data.table import RoutingTable
from rl_router.errors import DataError, RouterError
from rl_router.evaluation.metrics.recovery import apgr, cpt, eleven_point_curve, exact_curve
from rl_router.evaluation.speed.router_run import make_router
from rl_router.evaluation.speed.router_table import parse
from rl_router.evaluation.two_models.pair import Pair, pair_of, weak_and_strong
from rl_router.evaluation.two_models.recovery import LENGTH, win_rates
from rl_router.observe.console import say
from rl_router.observe.files import append_lines, read_lines
from rl_router.routers.features import Tfidf
from rl_router.routers.splitting import held_out

METRICS = ("apgr", "eleven_apgr", "cpt_50", "cpt_80")
HEADS = ("APGR, every share", "APGR, 11 points", "CPT(50)", "CPT(80)")


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """Of one router and one seed. `eleven_apgr` is RouteLLM's code, the others every share; `labels` were learned from,
    `n` questions judged on."""

    router: str
    seed: int
    labels: int
    n: int
    apgr: float
    eleven_apgr: float
    cpt_50: float
    cpt_80: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """One seed's parts of a table, each with a weak and a strong model."""

    weak: str
    strong: str
    fit_on: RoutingTable
    labelled: Pair
    asked: Pair

    @classmethod
    def of(cls, table: RoutingTable, *, share: float, seed: int, weak: str, strong: str) -> Split:
        """`share` of the questions is held out, equal texts together."""
        fit_on, rest = held_out(table, share, seed)
        if fit_on.frame.is_empty() or rest.frame.is_empty():
            raise DataError(f"The {table.where} is too small to hold out {share:g} of it.")
        labelled, asked = (pair_of(part, weak=weak, strong=strong) for part in (fit_on, rest))
        return cls(weak=weak, strong=strong, fit_on=fit_on, labelled=labelled, asked=asked)


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        rows = measure_all(args)
    except RouterError as error:
        say(f"benchmark_recovery: {error}")
        return error.exit_code
    print(json.dumps([asdict(row) for row in rows], indent=2) if args.json else markdown(rows))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="APGR of routers fitted on a part of a table and judged on the rest.")
    parser.add_argument("data", type=Path, help="a routing table with both models' scores")
    parser.add_argument(
        "--routers", nargs="+", default=["ridge", "knn"], metavar="ROUTER", help="'ridge strength=20' …"
    )
    parser.add_argument("--dataset", help="only this one of the table")
    parser.add_argument("--split", default="test", help="of the table (test)")
    parser.add_argument("--weak", metavar="MODEL", help="needed when the table has more than two models")
    parser.add_argument("--strong", metavar="MODEL", help="needed when the table has more than two models")
    parser.add_argument("--held-out", type=float, default=0.5, metavar="SHARE", help="of the questions (0.5)")
    parser.add_argument("--few", type=int, default=1500, metavar="N", help="labels of the logistic regression (1500)")
    parser.add_argument("--seeds", type=int, default=5, help="ways to hold out (5)")
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmark_recovery"), help="where results.jsonl lies")
    parser.add_argument("--json", action="store_true")
    return parser


def measure_all(args: argparse.Namespace) -> list[HeldOut]:
    """One row per router and seed. What is in results.jsonl is not measured again."""
    if not 0 < args.held_out < 1:
        raise DataError(f"Expected a share between 0 and 1 to hold out, got {args.held_out:g}.")
    named = {name: parse(name) for name in args.routers}  # refused before anything is fitted
    table, weak, strong = _table(args)
    results = args.folder / "results.jsonl"
    setting = {name: str(getattr(args, name)) for name in ("data", "dataset", "split", "held_out")}
    setting |= {"weak": weak, "strong": strong}
    kept = {(row["router"], row["seed"]): row for row in read_lines(results) if row["setting"] == setting}
    rows = []
    for seed in range(args.seeds):
        split = Split.of(table, share=args.held_out, seed=seed, weak=weak, strong=strong)
        for name, rates in _entrants(split, named, args.few, seed).items():
            row = kept.get((name, seed)) or {"setting": setting, **asdict(judged(split, name, seed, *rates()))}
            if (name, seed) not in kept:
                append_lines(results, [row])
            rows.append(HeldOut(**{key: value for key, value in row.items() if key != "setting"}))
            say(f"seed {seed}, {name}: APGR {rows[-1].apgr:.3f}")
    return rows


def _table(args: argparse.Namespace) -> tuple[RoutingTable, str, str]:
    """Only the rows that were asked for, with the names of the weak and the strong model."""
    table = RoutingTable.read(args.data).select(split=args.split)
    if args.dataset is not None:
        table = table.part(table.frame.filter(table.frame["dataset"] == args.dataset))
        if table.frame.is_empty():
            raise DataError(f"The {table.where} has no dataset {args.dataset!r} in its split {args.split}.")
    weak, strong = weak_and_strong(table, args.weak, args.strong)
    return table.select(models=[weak, strong]), weak, strong


def _entrants(
    split: Split, named: Mapping[str, Mapping[str, Any]], few: int, seed: int
) -> dict[str, Callable[[], tuple[np.ndarray, int]]]:
    """What gives the win rates [n] of each, and how many labels they were learned from."""
    return {
        LENGTH: lambda: (split.asked.lengths, 0),
        f"TF-IDF + logistic regression, {few:,} labels": lambda: few_labels(split, few, seed),
        **{name: partial(fitted, split, values, seed) for name, values in named.items()},
    }


def fitted(split: Split, values: Mapping[str, Any], seed: int) -> tuple[np.ndarray, int]:
    router = make_router(values, seed).fit(split.fit_on)
    return win_rates(router, split.asked, weak=split.weak, strong=split.strong), len(split.labelled.queries)


def few_labels(split: Split, few: int, seed: int) -> tuple[np.ndarray, int]:
    """[n] log-odds that the strong model does better, by `few` questions drawn from those to fit on."""
    from sklearn.linear_model import LogisticRegression

    better = split.labelled.strong > split.labelled.weak
    count = min(few, len(better))
    drawn = np.sort(np.random.default_rng(seed).choice(len(better), count, replace=False))
    if len(np.unique(better[drawn])) < 2:
        raise DataError(f"The strong model does better on all or on none of {count} questions, which teaches nothing.")
    features = Tfidf().fit([split.labelled.queries[i].text for i in drawn])
    vectors = features([split.labelled.queries[i].text for i in drawn])
    regression = LogisticRegression(max_iter=1000).fit(vectors, better[drawn])
    return regression.decision_function(features([query.text for query in split.asked.queries])), count


def judged(split: Split, name: str, seed: int, rates: np.ndarray, labels: int) -> HeldOut:
    """The metrics of win rates [n] on the held-out questions."""
    fine, coarse = (make(rates, split.asked.weak, split.asked.strong) for make in (exact_curve, eleven_point_curve))
    return HeldOut(
        router=name,
        seed=seed,
        labels=labels,
        n=len(split.asked.queries),
        apgr=apgr(fine),
        eleven_apgr=apgr(coarse),
        cpt_50=cpt(fine, 0.5),
        cpt_80=cpt(fine, 0.8),
    )


def markdown(rows: Sequence[HeldOut]) -> str:
    """One line per router: means over the seeds, ± their standard error."""
    names = list(dict.fromkeys(row.router for row in rows))
    lines = [f"| router | labels | {' | '.join(HEADS)} |", "|" + "---|" * (2 + len(HEADS))]
    for name in names:
        group = [row for row in rows if row.router == name]
        labels = round(np.mean([row.labels for row in group]))
        cells = [_mean([getattr(row, metric) for row in group]) for metric in METRICS]
        lines.append(f"| {name} | {labels:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> str:
    error = f" ± {np.std(values, ddof=1) / len(values) ** 0.5:.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{error}"
