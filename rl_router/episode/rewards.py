"""Rewards as named terms, weights as written: their sum is the reward, and each is logged apart.

`quality` is in [0, 1], `cost_usd` is the ledger's, `cost_reference_usd` is about one call to the strongest model, so
that `cost_weight` has no unit. A quality of None could not be scored: the episode is dropped, never taken for a zero.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, isfinite, sqrt
from typing import Literal, Protocol

import numpy as np

from rl_router.errors import RecipeError
from rl_router.types import Episode

Terms = dict[str, float | None]


class Reward(Protocol):
    """Called once per episode, when it ends. Frozen; what a reward must remember lives in an object of its own."""

    def terms(
        self,
        *,
        quality: float | None,
        cost_usd: float,
        cost_weight: float,
        format_ok: bool,
        cost_reference_usd: float,
    ) -> Terms: ...


@dataclass(frozen=True, kw_only=True)
class Dial:
    """quality × what a right answer is worth at its cost, and −1 for a malformed episode. λ is drawn per prompt.

    `linear`: max(floor, 1 − λ · cost / reference). The floor keeps a right answer worth more than a wrong one at any
    price; beneath it, a dearer call costs nothing more. `exponential`: e^(−λ · cost / reference), which starts with the
    same slope and is never flat: cheaper is better at every price, and right is better than wrong without a floor.
    """

    __pydantic_config__ = {"extra": "forbid"}
    kind: Literal["dial"] = "dial"
    shape: Literal["linear", "exponential"] = "linear"
    floor: float = 0.05

    def __post_init__(self) -> None:
        _check(0.0 <= self.floor <= 1.0, "reward.floor between 0 and 1", self.floor)

    def terms(
        self,
        *,
        quality: float | None,
        cost_usd: float,
        cost_weight: float,
        format_ok: bool,
        cost_reference_usd: float,
    ) -> Terms:
        price = cost_weight * cost_usd / cost_reference_usd
        return gated(quality, exp(-price) if self.shape == "exponential" else max(self.floor, 1.0 - price), format_ok)


@dataclass(frozen=True, kw_only=True)
class Budgeted:
    """quality × min(1, max(floor, 1 − slope · (cost − budget) / budget)): free up to a budget, then ever less.

    The budget in USD is drawn per prompt and written in it; it comes as `cost_weight`, the setting of the dial.
    It is LCPO-Max of L1 (arXiv 2503.04697) with dollars for tokens and δ = 1, so that keeping to the budget
    costs nothing. A slope of 1 takes a right answer to the floor at twice its budget.
    """

    __pydantic_config__ = {"extra": "forbid"}
    kind: Literal["budgeted"] = "budgeted"
    budgets_usd: tuple[float, ...] = (5e-5, 1.5e-4, 3e-4, 6e-4, 1.2e-3)
    """Those that prompts are drawn from."""
    slope: float = 1.0
    floor: float = 0.05

    def __post_init__(self) -> None:
        positive = all(isfinite(usd) and usd > 0.0 for usd in self.budgets_usd)
        _check(bool(self.budgets_usd) and positive, "reward.budgets_usd above zero", self.budgets_usd)
        _check(self.slope > 0.0, "reward.slope above zero", self.slope)
        _check(0.0 <= self.floor <= 1.0, "reward.floor between 0 and 1", self.floor)

    def terms(
        self,
        *,
        quality: float | None,
        cost_usd: float,
        cost_weight: float,
        format_ok: bool,
        cost_reference_usd: float,
    ) -> Terms:
        budget_usd = cost_weight
        over = (cost_usd - budget_usd) / budget_usd
        return gated(quality, min(1.0, max(self.floor, 1.0 - self.slope * over)), format_ok)


@dataclass(frozen=True, kw_only=True)
class GroupAnchored:
    """`Dial`'s exponential worth of what an answer cost beyond the cheapest right answer of its group.

    What nobody in the group could avoid paying is free, so a question that only a dear model can answer is still worth
    answering at a high λ. Kimi k1.5 anchors lengths in this way (arXiv 2501.12599, section 2.3.3), at the shortest and
    the longest of a group; the longest is left out here, since dividing by a group's spread blows a small one up.
    Training sees the anchored terms. An episode without a group, as in an evaluation, is judged as `Dial` judges it.
    """

    __pydantic_config__ = {"extra": "forbid"}
    kind: Literal["group_anchored"] = "group_anchored"

    def terms(
        self,
        *,
        quality: float | None,
        cost_usd: float,
        cost_weight: float,
        format_ok: bool,
        cost_reference_usd: float,
    ) -> Terms:
        return gated(quality, exp(-cost_weight * cost_usd / cost_reference_usd), format_ok)

    def group_terms(self, group: Sequence[Episode], cost_reference_usd: float) -> list[Terms]:
        """The cost and correctness terms of every episode of a group; others stay as they are."""
        right = [e.cost_usd for e in group if e.quality and e.format_ok]
        anchor_usd = min(right, default=0.0)
        return [
            {
                **e.reward,
                **self.terms(
                    quality=e.quality,
                    cost_usd=max(0.0, e.cost_usd - anchor_usd),
                    cost_weight=e.cost_weight or 0.0,
                    format_ok=e.format_ok,
                    cost_reference_usd=cost_reference_usd,
                ),
            }
            for e in group
        ]


def gated(quality: float | None, worth: float, format_ok: bool) -> Terms:
    """Terms of quality × worth: cost is charged on what is right, and a malformed episode has its format term alone."""
    if not format_ok:
        return {"format": -1.0}
    if quality is None:
        return {"correct": None}
    return {"correct": quality, "cost": quality * worth - quality}


@dataclass(frozen=True, kw_only=True)
class SuccessGated:
    """xRouter, arXiv 2510.08439: score × (K − min(λ · cost, cap)). A wrong or malformed episode gets 0, however cheap.

    Cost is in units of the reference. `lam` fixes λ for a whole run as the paper does; None takes the prompt's.
    """

    __pydantic_config__ = {"extra": "forbid"}
    kind: Literal["success_gated"] = "success_gated"
    lam: float | None = None
    k: float = 1.0
    cap: float = 0.95

    def __post_init__(self) -> None:
        _check(self.lam is None or self.lam >= 0.0, "reward.lam of zero or more", self.lam)
        _check(0.0 <= self.cap <= self.k, f"reward.cap between 0 and reward.k = {self.k}", self.cap)

    def terms(
        self,
        *,
        quality: float | None,
        cost_usd: float,
        cost_weight: float,
        format_ok: bool,
        cost_reference_usd: float,
    ) -> Terms:
        score = quality if format_ok else 0.0
        if score is None:
            return {"correct": None}
        lam = cost_weight if self.lam is None else self.lam
        return {"correct": score * self.k, "cost": 0.0 - score * min(lam * cost_usd / cost_reference_usd, self.cap)}


class CostNormaliser:
    """How cheap an episode was beside the last `window` ones, 1 cheapest, 0 dearest: Router-R1's rolling rule.

    With x = √cost, the window first takes x in, then k = 1 − clip((x − p5) / (p95 − p5), 0, 1), where p5 and p95 are
    the window's percentiles (linear between ranks). All costs being equal, as with the first one, k = 0.5.
    """

    EQUAL = 1e-8

    def __init__(self, window: int = 1000):
        self.roots: deque[float] = deque(maxlen=window)

    def __call__(self, cost: float) -> float:
        root = sqrt(cost)
        self.roots.append(root)
        low, high = np.percentile(self.roots, (5, 95))
        if high - low < self.EQUAL:
            return 0.5
        return 1.0 - min(1.0, max(0.0, float((root - low) / (high - low))))


@dataclass(frozen=True, kw_only=True)
class RouterR1:
    """Router-R1, arXiv 2506.09033: −1 malformed, 0 wrong, else (1 − α) · quality + α · k, k from a rolling normaliser.

    α is the run's and the prompt's λ is not used. Every episode that ends enters the window, the malformed and the
    wrong ones too, with its cost in units of the reference. The window belongs to this object, so to one process:
    several rollout workers keep one each, as several copies of Router-R1's trainer would.
    """

    __pydantic_config__ = {"extra": "forbid"}
    kind: Literal["router_r1"] = "router_r1"
    alpha: float = 0.6
    window: int = 1000

    def __post_init__(self) -> None:
        _check(0.0 <= self.alpha <= 1.0, "reward.alpha between 0 and 1", self.alpha)
        _check(self.window >= 1, "reward.window of at least 1", self.window)

    @cached_property
    def normaliser(self) -> CostNormaliser:
        return CostNormaliser(self.window)

    def sharing(self, normaliser: CostNormaliser) -> RouterR1:
        """The same reward on a window that others feed too."""
        shared = replace(self)
        shared.__dict__["normaliser"] = normaliser
        return shared

    def terms(
        self,
        *,
        quality: float | None,
        cost_usd: float,
        cost_weight: float,
        format_ok: bool,
        cost_reference_usd: float,
    ) -> Terms:
        cheapness = self.normaliser(cost_usd / cost_reference_usd)
        if not format_ok:
            return {"format": -1.0}
        if quality is None:
            return {"correct": None}
        return {"correct": (1.0 - self.alpha) * quality, "cost": self.alpha * cheapness if quality > 0.0 else 0.0}


@dataclass(frozen=True, kw_only=True)
class Overlong:
    """DAPO's soft overlong punishment as a term of its own, over the tokens that the policy itself sampled."""

    __pydantic_config__ = {"extra": "forbid"}
    max_tokens: int = 64
    buffer_tokens: int = 16

    def __post_init__(self) -> None:
        _check(
            0 < self.buffer_tokens <= self.max_tokens, "overlong.buffer_tokens in 1 … max_tokens", self.buffer_tokens
        )

    def terms(self, policy_tokens: int) -> Terms:
        return {"overlong": soft_overlong(policy_tokens, self.max_tokens, self.buffer_tokens)}


def soft_overlong(tokens: int, max_tokens: int, buffer_tokens: int) -> float:
    """0 up to max − buffer, then down a line to −1 at max (arXiv 2503.14476, equation 13)."""
    return 0.0 - min(1.0, max(0.0, (tokens - (max_tokens - buffer_tokens)) / buffer_tokens))


def _check(holds: bool, expected: str, came: object) -> None:
    if not holds:
        raise RecipeError(f"Expected {expected}, got {came}.")
