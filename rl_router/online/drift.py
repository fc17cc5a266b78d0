"""Whether a stream of surprises has changed its mean: Page and Hinkley's test, one number per direction.

Page 1954, "Continuous inspection schemes", Biometrika 41. A run of surprises whose mean has moved by more than `slack`
adds up; at `alarm` it is a change. Before a change, surprises of variance σ² raise a false alarm with a chance of about
exp(−2 · slack · alarm / σ²) each time the sum starts over; after one of size s it takes about alarm / (s − slack).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class PageHinkley:
    """With right and wrong answers (σ² ≤ 1/4) the defaults err once in e⁸ = 3,000 starts and see a loss of .4 in 43."""

    slack: float = 0.1
    alarm: float = 25.0
    fallen: float = 0.0
    risen: float = 0.0

    def see(self, surprise: float) -> bool:
        """Take one surprise in; True when a change is found, and then it starts over."""
        self.fallen = max(0.0, self.fallen - surprise - self.slack)
        self.risen = max(0.0, self.risen + surprise - self.slack)
        if max(self.fallen, self.risen) < self.alarm:
            return False
        self.fallen = self.risen = 0.0
        return True
