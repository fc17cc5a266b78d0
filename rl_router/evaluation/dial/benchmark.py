"""The dial experiment as one command: train what is not trained yet, read every run, write tables and curves."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rl_router.errors import RouterError
from rl_router.evaluation.dial.curves import learning_curves
from rl_router.evaluation.dial.entrants import REWARDS, Entrant, entrants
from rl_router.evaluation.dial.objectives import FIT_QUESTIONS, Optimum, optima
from rl_router.evaluation.dial.points import Fixed, Setting, decomposed_share, settings
from rl_router.evaluation.dial.tables import markdown
from rl_router.evaluation.run.baselines import Baselines
from rl_router.evaluation.run.harness import job_of
from rl_router.evaluation.run.questions import held_out
from rl_router.evaluation.run.results import summarise
from rl_router.observe.console import say
from rl_router.observe.files import write_json, write_text
from rl_router.observe.run_folder import RunFolder
from rl_router.rl.setting import Setting as RunSetting


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that the experiment came to. `policies` has a list of settings per reward, in the order of λ."""

    seeds: dict[str, list[int]]
    policies: dict[str, list[Setting]]
    decomposed: dict[str, list[float]]
    best_table: list[Setting]
    fixed: list[Fixed]
    optima: list[Optimum]


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        taking_part = entrants(args.folder, args.seeds, args.others)
        if not args.read_only:
            for entrant in taking_part:
                entrant.train(args.changes)
        done = [e for e in taking_part if (e.folder / "results.json").is_file()]
        for entrant in taking_part:
            if entrant not in done:
                say(f"{entrant.folder.name} has no results yet and is left out")
        if not any(e.reward == "dial" for e in done):
            say(f"benchmark_dial: no dial run in {args.folder} has results")
            return 2
        findings = read(done)
    except RouterError as error:
        say(f"benchmark_dial: {error}")
        return error.exit_code
    write_json(args.folder / "findings.json", asdict(findings))
    if args.curves:
        write_text(args.curves, _curves(done, findings))
    print(json.dumps(asdict(findings), indent=2) if args.json else markdown(findings))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train and judge the cost dial on the embedded world.")
    parser.add_argument("changes", nargs="*", metavar="KEY=VALUE", help="changes to every run: algorithm.steps=40")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the dial; others take the first")
    others = [name for name in REWARDS if name != "dial"]
    parser.add_argument("--others", nargs="*", choices=others, default=others, help="rewards beside it")
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmark_dial"), help="where the runs lie")
    parser.add_argument("--read-only", action="store_true", help="train nothing: read the runs that are done")
    parser.add_argument("--curves", type=Path, metavar="FILE.svg", help="also draw the learning curves")
    parser.add_argument("--json", action="store_true")
    return parser


def read(done: Sequence[Entrant]) -> Findings:
    """The findings of runs that have results, with what needs no training computed on the same questions."""
    by_reward: dict[str, list[Entrant]] = {}
    for entrant in done:
        by_reward.setdefault(entrant.reward, []).append(entrant)
    rows = {reward: [_results(e) for e in group] for reward, group in by_reward.items()}
    policies = {reward: settings(runs) for reward, runs in rows.items()}
    setting = RunSetting.of(job_of(RunFolder.open(by_reward["dial"][0].folder), {}))
    queries = held_out(setting)
    weights = [s.cost_weight for s in policies["dial"]]
    return Findings(
        seeds={reward: [e.seed for e in group] for reward, group in by_reward.items()},
        policies=policies,
        decomposed={r: [_decomposed(group, s.cost_weight) for s in policies[r]] for r, group in by_reward.items()},
        best_table=settings(rows["dial"][:1], "best_table"),
        fixed=_fixed(Baselines(setting.task, queries, setting.task.train[:FIT_QUESTIONS])),
        optima=optima(setting.task, queries, weights),
    )


def _results(entrant: Entrant) -> list[dict[str, Any]]:
    folder = RunFolder.open(entrant.folder)
    return folder.read_rows(folder.results)


def _decomposed(group: Sequence[Entrant], cost_weight: float) -> float:
    shares = []
    for entrant in group:
        folder = RunFolder.open(entrant.folder)
        shares.append(decomposed_share(folder.read_rows(folder.choices), "policy", cost_weight) or 0.0)
    return sum(shares) / len(shares)


def _fixed(baselines: Baselines) -> list[Fixed]:
    rows = {s.first[0]: summarise(s.first[0], None, baselines.always(s)) for s in baselines.singles}
    return [Fixed(name=name, cost_usd=row.cost_usd, quality=row.quality) for name, row in rows.items()]


def _curves(done: Sequence[Entrant], findings: Findings) -> str:
    runs = {f"seed {e.seed}": RunFolder.open(e.folder).read_metrics() for e in done if e.reward == "dial"}
    return learning_curves(runs, {s.cost_weight: s.reward for s in findings.best_table})
