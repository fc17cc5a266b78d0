"""From what is believed of every model to the chance of each being chosen. Pure functions; the caller draws.

All three take the utility that is expected of each model, and how unsure that is, and return probabilities that sum to
1. Because the choice is then drawn from just these, the propensity that is logged is exact: off-policy estimates divide
by it. `floor` is the least total chance that is spread evenly over all models: without it a log says nothing of what
was never tried.
"""

from __future__ import annotations

import numpy as np

DRAWS = 256


def epsilon_greedy(means: np.ndarray, deviations: np.ndarray, *, floor: float) -> np.ndarray:
    """[m] the best mean, and `floor` (ε) spread over all. Sutton and Barto, section 2.2. `deviations` take no part."""
    return _floored(_one(means), floor)


def lin_ucb(means: np.ndarray, deviations: np.ndarray, *, exploration: float, floor: float) -> np.ndarray:
    """[m] the highest mean + exploration · deviation: LinUCB, Li et al. 2010, https://arxiv.org/abs/1003.0146."""
    return _floored(_one(means + exploration * deviations), floor)


def thompson(
    means: np.ndarray, deviations: np.ndarray, *, exploration: float, floor: float, rng: np.random.Generator
) -> np.ndarray:
    """[m] how often each is the best of draws from its normal posterior: Agrawal and Goyal 2013,
    https://arxiv.org/abs/1209.3352. Of `DRAWS` draws, so that chances are multiples of 1 / DRAWS before the floor."""
    drawn = means + exploration * deviations * rng.standard_normal((DRAWS, len(means)))
    counts = np.bincount(drawn.argmax(axis=1), minlength=len(means))
    return _floored(counts / DRAWS, floor)


def draw(chances: np.ndarray, rng: np.random.Generator) -> int:
    """An index, each with its chance."""
    return int(np.searchsorted(chances.cumsum(), rng.random() * chances.sum(), side="right").clip(0, len(chances) - 1))


def _one(values: np.ndarray) -> np.ndarray:
    chances = np.zeros(len(values))
    chances[int(values.argmax())] = 1.0
    return chances


def _floored(chances: np.ndarray, floor: float) -> np.ndarray:
    return np.asarray(floor / len(chances) + (1.0 - floor) * chances)
