"""A report as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rl_router.data.checks.balance import Balance
from rl_router.data.checks.finding import Finding
from rl_router.data.checks.headroom import Headroom
from rl_router.data.checks.order import Alignment
from rl_router.data.checks.report import Report

SHOWN = 8
"""Models and tasks that are listed by name before the rest is counted."""


def report_lines(report: Report) -> Iterator[str]:
    splits = ", ".join(f"{b.split} {b.queries:,}" for b in report.balances)
    yield f"{report.where}: {report.queries:,} queries x {len(report.models)} models, {report.rows:,} rows ({splits})"
    yield ""
    for finding in report.findings:
        yield from _finding(finding)
    if not report.findings:
        yield "no faults"
    if any(a.with_mean is not None for a in report.alignments):
        yield ""
        yield "rows in the same order? correlation of each model with the mean of the others (centred by task)"
        yield from _alignments(report.alignments)
    for balance in report.balances:
        yield ""
        yield from _balance(balance)
    for headroom in report.headrooms:
        yield ""
        yield from _headroom(headroom)


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{'FAULT' if finding.fault else 'note '} {finding.kind.value:<9} {finding.count:>7,}  {finding.text}"
    for example in finding.examples:
        yield f"{'':<24} {example}"


def _alignments(alignments: tuple[Alignment, ...]) -> Iterator[str]:
    known = sorted((a for a in alignments if a.with_mean is not None), key=lambda a: a.centred or 0.0)
    for a in known[:SHOWN]:
        centred = "" if a.centred is None else f"({a.centred:.3f})"
        yield f"  {a.model:<44} {a.with_mean:6.3f} {centred}"
    if len(known) > SHOWN:
        yield f"  and {len(known) - SHOWN} models that agree more"


def _balance(balance: Balance) -> Iterator[str]:
    yield f"split {balance.split}: all models alike on {balance.alike:.1%} of {balance.queries:,} queries"
    yield f"  tasks   {_counted({task: f'{n:,}' for task, n in balance.tasks.items()})}"
    yield f"  best    {_counted({model: f'{share:.1%}' for model, share in balance.best_model.items()})}"


def _counted(values: Mapping[str, str]) -> str:
    shown = [f"{name} {value}" for name, value in list(values.items())[:SHOWN]]
    return ", ".join(shown) + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")


def _headroom(headroom: Headroom) -> Iterator[str]:
    fitted = f"chosen on {', '.join(headroom.fitted)}" if headroom.fitted else "chosen in hindsight"
    leaked = f", {headroom.leaked_left_out} leaked ones left out" if headroom.leaked_left_out else ""
    yield f"headroom on {headroom.split}: {headroom.queries:,} queries{leaked}, {len(headroom.models)} models, {fitted}"
    yield f"  {'':<26} {'score':>7} {'by task':>8} {'USD per 1,000':>14}"
    for level in headroom.levels:
        cost = "" if level.cost_usd is None else f"{1000 * level.cost_usd:.3f}"
        model = "" if level.model is None else f"  {level.model}"
        yield f"  {level.name:<26} {100 * level.score:7.2f} {100 * level.score_by_task:8.2f} {cost:>14}{model}"
