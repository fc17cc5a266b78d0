"""What the outcomes so far say about every model: the state that all workers reach by folding the same outcomes in.

`fold` depends on the state and the outcome alone, so workers that have read the same rows of the store are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rl_router.online.arm import Arm, Belief
from rl_router.online.drift import PageHinkley
from rl_router.online.outcome import Outcome

CONSTANT = 1.0
"""What is appended to the features of length 1, so that a model can also be better or worse at large."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """How outcomes are weighed. The defaults are those of the simulation in docs/online.md."""

    ridge: float = 10.0
    """κ: what was expected beforehand counts as much as so many outcomes."""
    forgetting: float = 0.9999
    """γ, per outcome of any model: after 1 / (1 − γ) of them, an outcome counts e⁻¹."""
    cost_forgetting: float = 0.97
    """The same for what a call costs, per call of that model: prices change at once and are known at once."""
    slack: float = 0.1
    alarm: float = 25.0
    """Of the test for a change in quality (`drift.PageHinkley`)."""
    kept: float = 0.05
    """The share of the evidence on a model that is kept after a change."""


@dataclass
class Bill:
    """Recorded over expected cost of a model's last calls; 1 before any."""

    paid: float = 0.0
    expected: float = 0.0

    def see(self, paid_usd: float, expected_usd: float, forgetting: float) -> None:
        self.paid = forgetting * self.paid + paid_usd
        self.expected = forgetting * self.expected + expected_usd

    @property
    def ratio(self) -> float:
        return self.paid / self.expected if self.expected > 0 else 1.0


@dataclass
class Learner:
    """Arms by model. A model that no outcome has named yet is added when it is asked about."""

    memory: Memory
    d: int
    """Length of the features, without the constant."""
    trust: dict[str, float] = field(default_factory=dict)
    """κ by model, where it is not that of `memory`: what is expected of a new model is a guess."""
    clock: int = 0
    """Graded outcomes so far, of all models."""
    arms: dict[str, Arm] = field(default_factory=dict)
    bills: dict[str, Bill] = field(default_factory=dict)
    tests: dict[str, PageHinkley] = field(default_factory=dict)
    changes: list[tuple[str, int]] = field(default_factory=list)
    """(model, clock) of every change in quality that was noticed."""
    _beliefs: dict[str, tuple[int, Belief]] = field(default_factory=dict, repr=False)

    def fold(self, outcome: Outcome) -> None:
        if outcome.cost_usd is not None and outcome.expected_cost_usd > 0:
            bill = self.bills.setdefault(outcome.model, Bill())
            bill.see(outcome.cost_usd, outcome.expected_cost_usd, self.memory.cost_forgetting)
        if outcome.quality is not None:
            self._grade(outcome, outcome.quality)

    def gain(self, model: str, features: np.ndarray) -> tuple[float, float]:
        """(mean, deviation) of what is to be added to the expected quality of `model` for a query."""
        means, deviations = self.gains((model,), features)
        return float(means[0]), float(deviations[0])

    def gains(self, models: Sequence[str], features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[m], [m] the same for several models."""
        x = with_constant(features)
        beliefs = [self._belief(model) for model in models]
        weights = np.array([belief.weights for belief in beliefs])
        spread = np.array([belief.inverse @ x for belief in beliefs]) @ x
        return weights @ x, np.sqrt(np.maximum(spread, 0.0))

    def cost_ratio(self, model: str) -> float:
        """By how much a call to `model` is dearer than expected."""
        return self.bills[model].ratio if model in self.bills else 1.0

    def _grade(self, outcome: Outcome, quality: float) -> None:
        memory, x = self.memory, with_constant(outcome.features)
        arm, test = self._arm(outcome.model), self._test(outcome.model)
        arm.age_to(self.clock, memory.forgetting)
        surprise = quality - outcome.expected_quality
        if test.see(surprise - self._fresh(outcome.model, arm).mean(x)):
            arm.fade(memory.kept)
            self.changes.append((outcome.model, self.clock))
        self.clock += 1
        arm.learn(x, surprise, self.clock, memory.forgetting)
        self._beliefs.pop(outcome.model, None)

    def _belief(self, model: str) -> Belief:
        """Computed anew when the arm has learned, or has aged by a fiftieth of what it remembers."""
        at, belief = self._beliefs.get(model, (-1, None))
        if belief is None or (self.clock - at) * (1.0 - self.memory.forgetting) > 0.02:
            arm = self._arm(model)
            belief = self._fresh(model, arm, self.memory.forgetting ** (self.clock - arm.clock))
            self._beliefs[model] = (self.clock, belief)
        return belief

    def _fresh(self, model: str, arm: Arm, faded: float = 1.0) -> Belief:
        return Belief.of(arm, self.trust.get(model, self.memory.ridge), faded)

    def _arm(self, model: str) -> Arm:
        return self.arms.setdefault(model, Arm.new(self.d + 1, self.clock))

    def _test(self, model: str) -> PageHinkley:
        return self.tests.setdefault(model, PageHinkley(slack=self.memory.slack, alarm=self.memory.alarm))


def with_constant(features: np.ndarray) -> np.ndarray:
    """[d + 1] float64."""
    return np.append(features.astype(np.float64), CONSTANT)
