"""How far to trust a self-verification: AutoMix's meta-verifiers (arXiv 2310.12963, section 3.3).

A small model has answered and judged its own answer; the share of "correct" verdicts is its confidence, a noisy one.
The POMDP has as hidden state how well the small and the large model do on the query, as observation the confidence, and
as actions to keep the answer or to ask the large model. It is one step long, so its exact solution is Bayes' rule and a
comparison. Unlike a threshold it can keep an answer of low confidence: that question may be hopeless for both models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GRID = np.linspace(0.0, 1.0, 101)
"""The confidences at which densities and thresholds are known."""


@dataclass(frozen=True, kw_only=True)
class Beliefs:
    """The states, how often each occurs, what each is worth, and how likely a confidence is in it."""

    prior: np.ndarray  # [s]
    small: np.ndarray  # [s] mean score of the small model
    large: np.ndarray  # [s] mean score of the large model
    density: np.ndarray  # [s, 101] on GRID


def learn_beliefs(
    confidence: np.ndarray, small: np.ndarray, large: np.ndarray, *, levels: int, bandwidth: float
) -> Beliefs:
    """From [n] confidences and scores of both models. `levels` scores are told apart; `bandwidth` is the kernel's."""
    state = np.rint(small * (levels - 1)).astype(int) * levels + np.rint(large * (levels - 1)).astype(int)
    found, of = np.unique(state, return_inverse=True)
    size = np.bincount(of)
    density = np.stack([_kernel_density(confidence[of == s], bandwidth) for s in range(len(found))])
    return Beliefs(
        prior=size / len(state),
        small=np.bincount(of, small) / size,
        large=np.bincount(of, large) / size,
        density=density,
    )


def expected_scores(beliefs: Beliefs, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[n] expected score of the small and of the large model once the confidence [n] is known."""
    likelihood = np.stack([np.interp(confidence, GRID, row) for row in beliefs.density], axis=1)  # [n, s]
    belief = beliefs.prior * likelihood
    belief = belief / belief.sum(axis=1, keepdims=True)
    return belief @ beliefs.small, belief @ beliefs.large


def best_threshold(confidence: np.ndarray, gains: np.ndarray) -> float:
    """The confidence below which to ask the large model, from [n] what asking it would have gained, cost included."""
    below = confidence[None, :] < GRID[:, None]  # [101, n]
    totals = below @ gains
    return float(GRID[int(np.argmax(totals > totals.max() - 1e-12))])


def _kernel_density(confidence: np.ndarray, bandwidth: float) -> np.ndarray:
    """[101] Gaussian kernels around the observations, and a trace everywhere so that no observation is impossible."""
    kernels = np.exp(-0.5 * ((GRID[:, None] - confidence[None, :]) / bandwidth) ** 2).mean(axis=1) + 1e-6
    return kernels / kernels.sum()
