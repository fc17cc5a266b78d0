"""What the results say, and no more: a difference counts only beyond two standard errors.

Routers are judged on the same queries, so taking their errors as independent overstates the error of a difference:
https://en.wikipedia.org/wiki/Paired_difference_test. What is called a difference here is one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rl_router.observe.formats import cost_weight, dial_name, listed, setting, signed
from rl_router.observe.looks import look

Row = Mapping[str, Any]
Verdict = Literal["better", "worse", "no difference"]
FIXED = ("cheapest", "strongest", "random", "best_single")
"""Routers that ignore the query."""
POLICY = "policy"
"""The row of a run's own router where it is a language model; a classical one has the name that `own_router` gives."""


def own_router(config: Mapping[str, Any]) -> str:
    """The row of results.json that is the run's own router, by the run's config: `policy`, `knn`, `knn+cascade`."""
    router, rule = config.get("router"), config.get("rule")
    if not isinstance(router, Mapping):
        return POLICY
    kind = rule.get("kind", "argmax") if isinstance(rule, Mapping) else "argmax"
    return str(router.get("kind")) if kind == "argmax" else f"{router.get('kind')}+{kind}"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Reward of one router minus that of another at one cost weight."""

    cost_weight: float
    other: str
    reward: float
    reward_se: float | None

    @property
    def verdict(self) -> Verdict:
        if self.reward_se is None or abs(self.reward) <= 2 * self.reward_se:
            return "no difference"
        return "better" if self.reward > 0 else "worse"

    def __str__(self) -> str:
        spread = "" if self.reward_se is None else f" ± {2 * self.reward_se:.3f}"
        return f"{signed(self.reward)}{spread}"


def weights(rows: Sequence[Row]) -> list[float]:
    return sorted({row["cost_weight"] for row in rows if row["cost_weight"] is not None})


def row_of(rows: Sequence[Row], router: str, weight: float) -> Row | None:
    return next((row for row in rows if row["router"] == router and row["cost_weight"] == weight), None)


def best_fixed(rows: Sequence[Row], weight: float) -> Row | None:
    """The best of the fixed routers, picked after the fact, which favours them."""
    fixed = [row for name in FIXED if (row := row_of(rows, name, weight))]
    return max(fixed, key=lambda row: row["reward"], default=None)


def difference(mine: Row, other: Row) -> Difference:
    my_error, other_error = mine.get("reward_se"), other.get("reward_se")
    return Difference(
        cost_weight=mine["cost_weight"],
        other=other["router"],
        reward=mine["reward"] - other["reward"],
        reward_se=None if my_error is None or other_error is None else math.hypot(my_error, other_error),
    )


def against(rows: Sequence[Row], other: str | None, router: str = POLICY) -> list[Difference]:
    """`router` minus `other` at every cost weight where both stand; None is the best fixed router of each weight."""
    found = []
    for weight in weights(rows):
        mine = row_of(rows, router, weight)
        theirs = best_fixed(rows, weight) if other is None else row_of(rows, other, weight)
        if mine and theirs:
            found.append(difference(mine, theirs))
    return found


def headline(rows: Sequence[Row], router: str = POLICY) -> str:
    """At which cost weights the run's router beats the best fixed one, by how much, and where it does not."""
    if not rows:
        return "This run has not been evaluated yet."
    named = look(router).label
    if router in FIXED:
        return f"{named} is a fixed router: what others are compared with."
    found = against(rows, None, router)
    mine = f"the {named}" if router == POLICY else named
    if not found:
        return f"These results have no {named} beside a fixed router, so there is nothing to compare."
    better = [d for d in found if d.verdict == "better"]
    even = [d for d in found if d.verdict == "no difference"]
    worse = [d for d in found if d.verdict == "worse"]
    parts, dial = [], dial_name(d.cost_weight for d in found)
    if better:
        by = listed([f"{cost_weight(d.cost_weight)} ({d} over {look(d.other).label})" for d in better])
        parts.append(f"{mine} earns more reward than the best fixed router at {dial} = {by}")
    if even:
        parts.append(f"no difference from the best fixed router at {dial} = {_weights(even)}")
    if worse:
        by = listed([f"{cost_weight(d.cost_weight)} ({d} against {look(d.other).label})" for d in worse])
        parts.append(f"{mine} earns less than the best fixed router at {dial} = {by}")
    sentence = "; ".join(parts) + "."
    return sentence if sentence.startswith(router) and router != POLICY else sentence[0].upper() + sentence[1:]


def dominated(rows: Sequence[Row], router: str = POLICY) -> list[tuple[Row, Row]]:
    """Points of `router` that some fixed one beats in quality at no more cost, or in cost at no less quality."""
    found = []
    for mine in (row for row in rows if row["router"] == router):
        for other in (row for row in rows if row["router"] in FIXED):
            gain = other["quality"] - mine["quality"]
            saving = mine["cost_usd"] - other["cost_usd"]
            if gain >= 0 and saving >= 0 and gain + saving > 0:
                found.append((mine, other))
                break
    return found


def remarks(rows: Sequence[Row], router: str = POLICY) -> list[str]:
    """Sentences beside the headline: how near the best table (else the oracle) is, and whether a point is dominated."""
    said = []
    best = yardstick({row["router"] for row in rows})
    shares = [
        f"{mine['reward'] / top['reward']:.0%} at {setting(w)}"
        for w in weights(rows)
        if best and (mine := row_of(rows, router, w)) and (top := row_of(rows, best, w)) and top["reward"] > 0
    ]
    if shares and router != best:
        said.append(f"Share of the {look(str(best)).label}'s reward: {listed(shares)}.")
    priced = [row for row in rows if row["cost_usd"] is not None]
    if router not in FIXED and {router} & {r["router"] for r in priced} and any(r["router"] in FIXED for r in priced):
        losers = dominated(priced, router)
        named = "the policy" if router == POLICY else router
        names = [f"{setting(a['cost_weight'])} (by {look(b['router']).label})" for a, b in losers]
        said.append(
            f"Dominated by a fixed router, which is at least as good for no more money: {listed(names)}."
            if losers
            else f"No point of {named} is dominated by a fixed router in cost and quality."
        )
    return said


def yardstick(routers: Collection[str]) -> str | None:
    """What a router can be at best: the best table among `routers`, else the oracle."""
    return next((name for name in ("best_table", "oracle") if name in routers), None)


def _weights(differences: Sequence[Difference]) -> str:
    return listed([cost_weight(d.cost_weight) for d in differences])
