"""How each router looks in every table and chart: its name for people, its order, its mark and its line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Look:
    label: str
    colour: str
    mark: str  # circle, square, diamond, up, down, cross or star
    dash: str | None = None  # None: points without a line between them
    hollow: bool = False
    bold: bool = False


LOOKS = {
    "policy": Look(label="policy", colour="var(--policy)", mark="circle", dash="", bold=True),
    "policy_blind": Look(label="policy, not told λ", colour="var(--policy_blind)", mark="diamond", dash="6 3"),
    "warm_start": Look(
        label="warm start (before RL)", colour="var(--warm_start)", mark="circle", dash="2 3", hollow=True
    ),
    "cheapest": Look(label="cheapest", colour="var(--cheapest)", mark="down"),
    "strongest": Look(label="strongest", colour="var(--strongest)", mark="up"),
    "random": Look(label="random", colour="var(--random)", mark="cross"),
    "best_single": Look(
        label="best single model", colour="var(--best_single)", mark="diamond", dash="8 3", hollow=True
    ),
    "best_table": Look(label="best table", colour="var(--best_table)", mark="square", dash="5 4"),
    "best_table_blind": Look(label="best table, λ-blind", colour="var(--best_table)", mark="square", hollow=True),
    "oracle": Look(label="oracle", colour="var(--oracle)", mark="star", dash="1 4"),
}

# chosen to differ in lightness as well as hue, and to be read on white and on near-black
LIGHT = (
    "--policy:#1257c9;--policy_blind:#c2410c;--warm_start:#8250df;--cheapest:#0f7b55;--strongest:#b3261e;"
    "--random:#6b7280;--best_single:#bf3989;--best_table:#30363d;--oracle:#9a6700;--other:#0891b2;"
    "--paper:#ffffff;--ink:#1c2128;--dim:#57606a;--rule:#d8dee4;--panel:#f6f8fa"
)
DARK = (
    "--policy:#6cb0ff;--policy_blind:#ff9a62;--warm_start:#c4a1ff;--cheapest:#56d39b;--strongest:#ff8178;"
    "--random:#a6aeb8;--best_single:#ff9bce;--best_table:#d0d7de;--oracle:#e3b341;--other:#56d4e0;"
    "--paper:#0f1319;--ink:#e2e7ed;--dim:#9aa4af;--rule:#2c333c;--panel:#171c23"
)
CHART_STYLE = (
    "svg text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:var(--dim)}"
    "svg text.title{fill:var(--ink)}svg text.name{fill:var(--ink);font-size:13px;font-weight:600}"
    "svg text.point{fill:var(--ink);font-weight:600}"
    "svg text.point{stroke:var(--paper);stroke-width:3;paint-order:stroke}svg .grid{stroke:var(--rule);stroke-width:1}"
)


def look(router: str) -> Look:
    """A router that this file does not know is shown under its own name."""
    return LOOKS.get(router) or Look(label=router, colour="var(--other)", mark="diamond", hollow=True)


def in_order(routers: set[str]) -> list[str]:
    """Known routers first, as listed above, then the others by name."""
    return [name for name in LOOKS if name in routers] + sorted(routers - LOOKS.keys())
