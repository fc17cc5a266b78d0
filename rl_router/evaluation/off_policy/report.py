"""Policies judged on a log file: the estimates, and the table that says which to believe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from rl_router.encoders.registry import make_encoder
from rl_router.errors import DataError
from rl_router.evaluation.off_policy.log import LoggedCall, read_log
from rl_router.evaluation.off_policy.policies import target_policy
from rl_router.evaluation.off_policy.value import OUTCOMES, PolicyValue, models_of, policy_value
from rl_router.evaluation.statistics.mean import Mean
from rl_router.observe.formats import MISSING, per_thousand, plus_minus, signed

SEED = 0
ENCODER = "hashing:64"
"""Of the outcome model: cheap, and good enough to tell kinds of queries apart, which is all it is for."""
PLAIN_WIDTH = 120
FEW = 30
"""Below as many effective queries a normal interval is not to be trusted."""


def judge(log: Path, policies: Sequence[str], *, cost_weight: float = 0.0) -> list[PolicyValue]:
    """Every policy's value in quality, and in cost where the log has costs."""
    logged = read_log(log)
    models = models_of(logged)
    encoded = make_encoder(ENCODER).encode([call.query for call in logged])
    if not any(_recorded(logged, outcome) for outcome in OUTCOMES):
        raise DataError(f"The log {log} has neither a quality nor a cost_usd in two calls; nothing can be estimated.")
    values = []
    for policy in policies:
        # an arm has decided where it was asked, which is not for it to choose
        rows = [i for i, call in enumerate(logged) if policy in call.arms] or range(len(logged))
        calls, features = [logged[i] for i in rows], encoded[list(rows)]
        target = target_policy(policy, calls, models, cost_weight)
        for outcome in (outcome for outcome in OUTCOMES if _recorded(calls, outcome)):
            rng = np.random.default_rng(SEED)
            values.append(policy_value(policy, target, calls, features, outcome, rng=rng, models=models))
    return values


def records(values: Iterable[PolicyValue]) -> list[dict[str, Any]]:
    """For JSON: a number that does not exist is null."""
    return [_plain(asdict(value)) for value in values]


def print_values(values: Sequence[PolicyValue], console: Console) -> None:
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, PLAIN_WIDTH), no_color=True)
    for value in values:
        console.print(_table(value))
        console.print(f"gain over the policy that logged: {_gain(value)}", highlight=False)
        for warning in warnings(value):
            console.print(f"careful: {warning}", highlight=False)


def warnings(value: PolicyValue) -> list[str]:
    """What a reader must know before believing the estimates."""
    found = []
    if abs(value.mean_weight.value - 1) > 4 * value.mean_weight.se:
        found.append(
            f"the weights average {value.mean_weight.value:.3f} instead of 1, far beyond their error: the propensities "
            "of the log are wrong, or the log never tries what the policy wants"
        )
    if value.untried > 0:
        found.append(f"on {value.untried:.1%} of the queries the policy wants a model that the log never tried")
    effective = value.estimates[0].effective_n
    if effective < FEW:
        found.append(f"only {effective:.0f} effective queries: the intervals are too short")
    return found


def _table(value: PolicyValue) -> Table:
    n = value.logged.n
    title = f"{value.policy}: {_label(value)} of {n:,} logged queries, {value.followed:.0%} of them routed alike"
    table = Table(title=title, title_justify="left", box=box.SIMPLE, header_style="bold")
    table.add_column("estimator")
    for name in ("estimate", "95 % interval", "effective n"):
        table.add_column(name, justify="right")
    for estimate in value.estimates:
        interval = f"{_number(value, estimate.low)} to {_number(value, estimate.high)}"
        table.add_row(
            estimate.estimator.replace("_", " "),
            _number(value, estimate.value),
            interval,
            f"{estimate.effective_n:,.0f}",
        )
    low, high = value.logged.interval()
    table.add_row(
        "(as logged)", _number(value, value.logged.value), f"{_number(value, low)} to {_number(value, high)}", f"{n:,}"
    )
    return table


def _gain(value: PolicyValue) -> str:
    gain: Mean = value.gain
    low, high = gain.interval()
    verdict = "no difference" if low <= 0 <= high else "more" if gain.value > 0 else "less"
    if value.outcome == "cost_usd":
        return f"{per_thousand(gain.value)} per 1,000 queries, {per_thousand(low)} to {per_thousand(high)}: {verdict}"
    return f"{signed(gain.value)}, {signed(low)} to {signed(high)}: {verdict}"


def _label(value: PolicyValue) -> str:
    return "quality" if value.outcome == "quality" else "USD per 1,000 queries"


def _number(value: PolicyValue, number: float) -> str:
    if math.isnan(number):
        return MISSING
    return plus_minus(number, None) if value.outcome == "quality" else per_thousand(number)


def _recorded(calls: Sequence[LoggedCall], outcome: str) -> bool:
    return sum(getattr(call, outcome) is not None for call in calls) >= 2


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
