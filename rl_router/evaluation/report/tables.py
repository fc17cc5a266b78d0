"""The table of an evaluation as text: on a terminal, as Markdown and as CSV, all from the same cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table

from rl_router.evaluation.report.summary import BLOCKS, Summary, block_of
from rl_router.evaluation.suite.results import Point
from rl_router.evaluation.suite.verdicts import REFERENCE
from rl_router.evaluation.suite.worth import Worth
from rl_router.evaluation.two_models.report import HEAD as RECOVERY_HEAD
from rl_router.evaluation.two_models.report import cells as recovery_cells
from rl_router.evaluation.two_models.report import print_recoveries
from rl_router.observe.formats import MISSING, cost_weight, count, listed, per_thousand, plus_minus, signed, usd
from rl_router.types import Mode

PLAIN_WIDTH = 150
HEAD = ("router", "quality", "USD / 1k", "utility", "against best single", "latency", "calls", "cut off", "n")
WORTH_HEAD = (
    "router", "AIQ", "gap closed", "regret", "dominated", "PerfGain", "CostSave", "ParetoDist", "Arena", "ECE", "bill",
)  # fmt: skip


def points_table(summary: Summary, weight: float) -> Iterator[tuple[str, list[list[str]]]]:
    """(block, rows of cells) at one cost weight, blocks without rows left out."""
    for block in BLOCKS:
        rows = [cells(summary, point) for point in summary.by_weight[weight] if block_of(point) == block]
        if rows:
            yield block, rows


def cells(summary: Summary, point: Point) -> list[str]:
    return [
        point.router,
        plus_minus(point.quality, point.quality_se),
        per_thousand(point.cost_usd),
        plus_minus(point.utility, point.utility_se),
        against(summary, point),
        MISSING if point.latency_s is None else f"{count(point.latency_s)} s",
        count(point.calls),
        MISSING if point.truncated is None else f"{point.truncated:.1%}",
        f"{point.n:,}" + (f" (−{point.ungraded:,})" if point.ungraded else ""),
    ]


def against(summary: Summary, point: Point, other: str = REFERENCE) -> str:
    """The difference in utility and its verdict: `+0.021 better`, `no difference`."""
    if point.router == other:
        return MISSING
    found = summary.verdict(point.router, other, point.cost_weight)
    if found is None:
        return MISSING
    if found.verdict == "no difference":
        return f"no difference ({signed(found.difference)})"
    return f"{signed(found.difference)} {found.verdict}"


def worth_cells(worth: Worth) -> list[str]:
    return [
        worth.router,
        _fixed(worth.aiq),
        _share(worth.gap_closed, worth.gap_closed_se),
        _fixed(worth.regret),
        MISSING if worth.dominated is None else f"{worth.dominated} of {worth.settings}",
        MISSING if worth.perf_gain is None else signed(worth.perf_gain),
        _share(worth.cost_save),
        _fixed(worth.pareto_dist),
        _fixed(worth.arena),
        _fixed(worth.ece),
        MISSING if worth.cost_bias is None else f"{worth.cost_bias:.2f}×",
    ]


def _fixed(value: float | None) -> str:
    return MISSING if value is None else f"{value:.3f}".replace("-", "−")


def _share(value: float | None, se: float | None = None) -> str:
    spread = "" if se is None else f" ± {200 * se:.0f}"
    return MISSING if value is None else f"{100 * value:.0f}{spread} %".replace("-", "−")


def notes(summary: Summary) -> list[str]:
    """How the table is to be read."""
    limit = "" if summary.max_tokens is None else f" under a limit of {summary.max_tokens:,} tokens"
    several = any(point.seeds > 1 for point in summary.points)
    seeds = " and seeds" if several else ""
    priced = any(point.cost_usd is not None for point in summary.points)
    reference = f" ({usd(summary.cost_reference_usd)})" if priced else ", which is unknown here"
    return [
        f"±: two standard errors over queries{seeds}. Utility is quality − λ · cost / cost of a mean call to the"
        f" strongest model{reference}.",
        "Verdicts compare utility query by query with a paired test, corrected by Holm for all pairs at that λ;"
        " what is not significant is called no difference.",
        "Gap closed: share of the way from the best single model to the oracle at the least λ; – where that way may be"
        " nothing but chance.",
        f"Cut off: the share of answers that were truncated{limit}. n: queries that could be scored (−: not graded).",
        *_own_tokens(summary),
        *summary.remarks,
    ]


def _own_tokens(summary: Summary) -> list[str]:
    """Who pays for its own tokens, and who is a language model whose tokens nobody priced."""
    own = {point.router: point.router_usd for point in summary.by_weight[summary.cost_weights[0]]}
    paid = [f"{router} {per_thousand(value)}" for router, value in own.items() if value]
    free = [point.router for point in summary.by_weight[summary.cost_weights[0]]
            if point.block == Mode.ORCHESTRATE.value and point.router_usd == 0]  # fmt: skip
    said = []
    if paid:
        said.append(f"Costs include the routers' own tokens, per 1,000 queries at the least λ: {listed(paid)}.")
    if free:
        said.append(f"The own tokens of {listed(free)} are free: no recipe says what they cost.")
    return said


def print_summary(summary: Summary, console: Console | None = None) -> None:
    """One table per cost weight, then what each router is worth over all of them. Plain text off a terminal."""
    console = console or Console()
    plain = not console.is_terminal
    if plain:
        console = Console(file=console.file, width=max(console.width, PLAIN_WIDTH), no_color=True)
    for weight in summary.cost_weights:
        table = _table(f"λ = {cost_weight(weight)}", HEAD, plain)
        for block, rows in points_table(summary, weight):
            table.add_section()
            table.add_row(f"— {block}", style=None if plain else "dim")
            for row in rows:
                table.add_row(*row)
        console.print(table)
    table = _table("over all λ", WORTH_HEAD, plain)
    for worth in summary.worths:
        if not worth.router.startswith("model:"):
            table.add_row(*worth_cells(worth))
    console.print(table)
    if summary.recoveries:
        print_recoveries(summary.recoveries, console)
    for note in notes(summary):
        console.print(note, highlight=False, markup=False)


def _table(title: str, head: Sequence[str], plain: bool) -> Table:
    table = Table(title=title, title_justify="left", box=box.ASCII2 if plain else box.ROUNDED, header_style="bold")
    table.add_column(head[0], overflow="fold")
    for name in head[1:]:
        table.add_column(name, justify="right")
    return table


def markdown(summary: Summary) -> str:
    tasks = ", ".join(f"{task} {n:,}" for task, n in summary.tasks.items())
    lines = [f"# {summary.name}", "", f"{summary.queries:,} queries: {tasks}.", ""]
    for weight in summary.cost_weights:
        lines += [f"## λ = {cost_weight(weight)}", "", _row(HEAD), _row(["---", *["---:"] * (len(HEAD) - 1)])]
        for block, rows in points_table(summary, weight):
            lines.append(_row([f"*{block}*", *[""] * (len(HEAD) - 1)]))
            lines += [_row([f"`{row[0]}`", *row[1:]]) for row in rows]
        lines.append("")
    lines += ["## Over all λ", "", _row(WORTH_HEAD), _row(["---", *["---:"] * (len(WORTH_HEAD) - 1)])]
    lines += [_row([f"`{worth.router}`", *worth_cells(worth)[1:]]) for worth in summary.worths]
    for title, recovered in summary.recoveries.items():
        lines += ["", f"## {title}, n = {recovered[0].n:,}", "", _row(RECOVERY_HEAD)]
        lines += [
            _row(["---", *["---:"] * (len(RECOVERY_HEAD) - 1)]),
            *(_row(recovery_cells(row)) for row in recovered),
        ]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes(summary)), ""])


def csv_text(summary: Summary) -> str:
    """Every point with every number, unrounded, and its verdict against the best single model."""
    found = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for point in summary.points:
        pair = summary.verdict(point.router, REFERENCE, point.cost_weight)
        row = {
            **{key: value for key, value in asdict(point).items() if key != "custom"},
            **point.custom,
            "difference": None if pair is None else pair.difference,
            "p_holm": None if pair is None else pair.p_holm,
            "verdict": None if pair is None else pair.verdict,
        }
        if writer is None:
            writer = csv.DictWriter(found, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return found.getvalue()


def _row(words: Sequence[str]) -> str:
    return f"| {' | '.join(word.replace('|', '∣') for word in words)} |"
