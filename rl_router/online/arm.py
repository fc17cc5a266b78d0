"""What a worker believes of one model: a linear regression of its quality on the query that forgets and can be reset.

For context x (length 1, with a constant) and outcome y, with what was expected beforehand subtracted,

    A = κI + Σ γ^age x xᵀ      b = Σ γ^age (y − prior) x      θ = A⁻¹ b      deviation(x) = √(xᵀ A⁻¹ x)

as in LinUCB with the forgetting factor γ of D-LinUCB (Russac et al. 2019, https://arxiv.org/abs/1909.09146): age counts
the outcomes of all models, so a model that was not asked for long is unsure again. The prior κI is never forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Arm:
    """Sums over the outcomes so far. `clock` is the number of outcomes of all models at which they are right."""

    gram: np.ndarray  # [d, d] Σ γ^age x xᵀ
    moment: np.ndarray  # [d] Σ γ^age (y − prior) x
    outcomes: int = 0  # ever, forgotten ones and those before a reset included
    clock: int = 0

    @classmethod
    def new(cls, d: int, clock: int = 0) -> Arm:
        return cls(gram=np.zeros((d, d)), moment=np.zeros(d), clock=clock)

    def age_to(self, clock: int, forgetting: float) -> None:
        if clock > self.clock and forgetting < 1.0:
            faded = forgetting ** (clock - self.clock)
            self.gram *= faded
            self.moment *= faded
        self.clock = clock

    def learn(self, x: np.ndarray, surprise: float, clock: int, forgetting: float) -> None:
        """`surprise` is y less what was expected beforehand."""
        self.age_to(clock, forgetting)
        self.gram += np.outer(x, x)
        self.moment += surprise * x
        self.outcomes += 1

    def fade(self, kept: float) -> None:
        """Keep this share of the evidence: after a change that was noticed."""
        self.gram *= kept
        self.moment *= kept


@dataclass(frozen=True)
class Belief:
    """θ and A⁻¹ of an arm at one moment."""

    weights: np.ndarray  # [d]
    inverse: np.ndarray  # [d, d]

    @classmethod
    def of(cls, arm: Arm, ridge: float, faded: float = 1.0) -> Belief:
        """`ridge` is κ, `faded` what has been forgotten since the arm's clock."""
        inverse = np.linalg.inv(faded * arm.gram + ridge * np.eye(len(arm.moment)))
        return cls(weights=inverse @ (faded * arm.moment), inverse=inverse)

    def mean(self, x: np.ndarray) -> float:
        """What is to be added to the expectation beforehand."""
        return float(self.weights @ x)
