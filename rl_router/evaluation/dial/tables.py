"""The findings as Markdown: the dial against its conditions, other rewards beside it, objectives without training."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING

from rl_router.evaluation.dial.points import Fixed, Setting, dominators, rises, standard_error
from rl_router.observe.formats import cost_weight, listed

if TYPE_CHECKING:
    from rl_router.evaluation.dial.benchmark import Findings


def markdown(findings: Findings) -> str:
    parts = [f"**dial**, seeds {listed([str(s) for s in findings.seeds['dial']])}\n", _dial(findings)]
    parts += ["", _verdict(findings.policies["dial"], findings.fixed, findings.decomposed["dial"])]
    parts += ["", _per_seed(findings.policies["dial"], findings.seeds["dial"])]
    for reward, found in findings.policies.items():
        if reward != "dial":
            parts += ["", f"**{reward}**, seed {findings.seeds[reward][0]}\n", _other(found, findings.fixed)]
    parts += ["", "**fixed models**\n", _fixed(findings.fixed), "", "**best table under each objective**\n"]
    return "\n".join([*parts, _optima(findings)])


def _dial(findings: Findings) -> str:
    rows = [("λ", "reward", "best table", "its share", "right", "USD per 1,000", "best table's", "two-hop split")]
    for setting, table, split in zip(
        findings.policies["dial"], findings.best_table, findings.decomposed["dial"], strict=True
    ):
        rows.append(
            (
                cost_weight(setting.cost_weight),
                _with_error(setting.reward, setting.rewards, "{:.3f}"),
                f"{table.reward:.3f}",
                _with_error(100 * setting.share, [100 * s for s in setting.shares], "{:.1f}") + " %",
                f"{setting.quality:.3f}",
                _with_error(1000 * setting.cost_usd, [1000 * c for c in setting.costs_usd], "{:.3f}"),
                f"{1000 * table.cost_usd:.3f}",
                f"{split:.0%}",
            )
        )
    return _table(rows)


def _verdict(dial: Sequence[Setting], fixed: Sequence[Fixed], decomposed: Sequence[float]) -> str:
    """Each condition in a sentence, with where it fails."""
    risen = [cost_weight(dial[i].cost_weight) for i in rises([s.cost_usd for s in dial])]
    by_seed = [rises([s.costs_usd[k] for s in dial]) for k in range(len(dial[0].costs_usd))]
    beaten = [
        f"{name} at {cost_weight(s.cost_weight)}" for s in dial for name in dominators(s.cost_usd, s.quality, fixed)
    ]
    short = [f"{cost_weight(s.cost_weight)} ({s.share:.1%})" for s in dial if s.share < 0.95]
    falls = "at every step" if not risen else f"but for λ = {listed(risen)}"
    return "\n".join(
        (
            f"- Mean cost falls {falls}; within a single seed it fails to {sum(map(len, by_seed))} of "
            f"{len(by_seed) * (len(dial) - 1)} times.",
            f"- Dominated by a fixed model: {listed(beaten) if beaten else 'no point'}.",
            f"- Below 95 % of the best table: {listed(short) if short else 'no λ'}.",
            f"- Two-hop questions split: {min(decomposed):.0%} or more.",
        )
    )


def _per_seed(dial: Sequence[Setting], seeds: Sequence[int]) -> str:
    rows = [("share of the best table", *(f"λ = {cost_weight(s.cost_weight)}" for s in dial))]
    rows += [(f"seed {seed}", *(f"{s.shares[k]:.1%}" for s in dial)) for k, seed in enumerate(seeds)]
    rows += [(f"cost, seed {seed}", *(f"{1000 * s.costs_usd[k]:.3f}" for s in dial)) for k, seed in enumerate(seeds)]
    return _table(rows)


def _other(found: Sequence[Setting], fixed: Sequence[Fixed]) -> str:
    rows = [("λ in the prompt", "right", "USD per 1,000", "dominated by")]
    for s in found:
        names = dominators(s.cost_usd, s.quality, fixed)
        rows.append((cost_weight(s.cost_weight), f"{s.quality:.3f}", f"{1000 * s.cost_usd:.3f}", listed(names) or "–"))
    return _table(rows)


def _fixed(fixed: Sequence[Fixed]) -> str:
    return _table([("model", "right", "USD per 1,000")] + [
        (f.name, f"{f.quality:.3f}", f"{1000 * f.cost_usd:.3f}") for f in fixed
    ])  # fmt: skip


def _optima(findings: Findings) -> str:
    rows = [("objective", "knob", "right", "USD per 1,000")]
    rows += [
        (o.reward, f"{o.knob} = {o.value:g}", f"{o.quality:.3f}", f"{1000 * o.cost_usd:.3f}") for o in findings.optima
    ]
    return _table(rows)


def _with_error(mean: float, values: Sequence[float], form: str) -> str:
    """± is two standard errors over the seeds."""
    error = standard_error(values)
    return form.format(mean) if isnan(error) else f"{form.format(mean)} ± {form.format(2 * error)}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body))
